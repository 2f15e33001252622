# make run · make test · make check · make train-default … each installs what it needs; a second call is quick.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := bot plugins storage training tests benchmarks

# corpora for training: docs/training.md says where each is published
export MAUM_CORPORA ?= $(if $(wildcard ../shared/data),$(abspath ../shared/data),corpora)

# processes that run tests at the same time: one for those that keep time, before the others (tests/scheduling.py)
JOBS ?= 3

unexport PYTHONDONTWRITEBYTECODE  # a process that is started many times is not to be compiled each time

.DEFAULT_GOAL := help
.PHONY: help install run chat test prove check format fuzz bench chaos train-default train-full train-gpu train-kote doctor clean

help:
	@echo "make run            start Maum: web chat at http://127.0.0.1:8080"
	@echo "make chat           talk in this terminal"
	@echo "make test           the whole short test suite"
	@echo "make check          lint, types, architecture, no secret in a tracked file"
	@echo "make prove          the proofs of docs/reliability.md in their long form (an hour)"
	@echo "make fuzz           REST, fuzzed from its own description for longer than the test suite does"
	@echo "make bench          the figures in docs/, measured again"
	@echo "make train-default  train models/maum-small, the quick way"
	@echo "make train-full     the long way to models/maum-small: hours"
	@echo "make train-gpu      both models on an NVIDIA GPU, into var/runs/gpu/: some twenty minutes"
	@echo "make train-kote     models/maum-kote, after train-full"
	@echo "make doctor         what is missing?"

install: .venv/.installed
run: .venv/.installed
	$(BIN)/maum run
chat: .venv/.installed
	$(BIN)/maum chat
doctor: .venv/.installed
	$(BIN)/maum doctor

test: .venv/.dev
	bash scripts/system-packages.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(JOBS)

chaos: .venv/.dev
	$(BIN)/python -m tests.chaos --write docs/reliability.md

prove: .venv/.dev
	PROVE=1 KILLS=100 $(BIN)/python -m pytest tests/proofs tests/storage/test_database.py tests/storage/test_migration.py tests/plugins/platforms/telegram tests/plugins/platforms/discord/test_fuzz.py --timeout 7200

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/find_secrets.py
	$(BIN)/python -m pytest tests/test_architecture.py

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: .venv/.dev
	FUZZ=$${FUZZ:-300} $(BIN)/python -m pytest -s tests/plugins/platforms/web/test_fuzz.py

bench: .venv/.dev
	$(BIN)/python -m benchmarks

train-default: .venv/.dev
	$(BIN)/python -m training.cli default

train-full: .venv/.dev
	$(BIN)/python -m training.cli default --preset full
	$(BIN)/python -m training.heads full
	$(BIN)/python -m training.robustness

GPU := var/runs/gpu
train-gpu: .venv/.dev
	$(BIN)/python -m training.cli default --preset gpu --device cuda --target $(GPU)/maum-small
	$(BIN)/python -m training.heads gpu --device cuda
	$(BIN)/python -m training.robustness $(GPU)/maum-small
	$(BIN)/python -m training.kote --preset kote-gpu --device cuda --encoder $(GPU)/joint/encoder --words $(GPU)/tokenizer \
		--teacher $(GPU)/teacher --target $(GPU)/maum-kote

train-kote: .venv/.dev
	$(BIN)/python -m training.kote

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Maum needs Python 3.11 or newer; set PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip

.venv/.installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/.dev: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@ .venv/.installed
