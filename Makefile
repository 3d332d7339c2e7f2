# Everything runs from a virtual environment made here; compiled programs are kept across runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKDIR ?= runs/digits
WORKERS ?= 2
export JAX_COMPILATION_CACHE_DIR ?= $(CURDIR)/.cache/xla

.PHONY: install test test-all lint cosearch clean

install: $(VENV)/installed

$(VENV)/installed: requirements.txt setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: dna_jax needs Python 3.11 or newer; set PYTHON=python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

test: install lint
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --durations=15 -m "not slow" tests

test-all: install lint
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --durations=30 tests

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --warnings

cosearch: install
	$(BIN)/python -m experiments.cosearch --config=experiments/configs/digits.py --workdir=$(WORKDIR)

clean:
	rm -rf $(VENV) .cache runs
