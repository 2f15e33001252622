"""The long form: `python -m tests.chaos [telegram] [discord] [--kills 200] [--messages 2000] [--write FILE]`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.chaos.run import SURFACES, run
from tests.chaos.storm import Toll

BEGIN, FINISH = "<!-- chaos: written by `make chaos` -->", "<!-- chaos: end -->"
HEAD = (
    "| platform | kill -9 | in which phase | messages | lost | answered twice | stray “…” | database broken | "
    "spoke while told to wait | took |\n|---|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("surfaces", nargs="*", help=f"of {', '.join(SURFACES)}; all by default")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    rows = [HEAD]
    for name in asked.surfaces or SURFACES:
        with tempfile.TemporaryDirectory() as folder:
            options = {"people": asked.people, "messages": asked.messages, "kills": asked.kills, "seed": asked.seed}
            toll: Toll = asyncio.run(run(name, Path(folder), **options))
        rows.append(toll.row(name))
        print(rows[-1], flush=True)
        if toll.lost or toll.doubled:
            print("lost:", *toll.lost, "doubled:", *toll.doubled)
    if asked.write:
        _write(asked.write, "\n".join(rows))


def _write(file: Path, table: str) -> None:
    """Put the table between its two marks."""
    text = file.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(FINISH)[1]
    file.write_text(f"{before}{BEGIN}\n\n{table}\n\n{FINISH}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
