"""One file per claim; each prints a table. `python -m benchmarks NAME …` runs some, without names all."""
