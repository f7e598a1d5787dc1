# One vocabulary for people, hooks and CI. `make` alone lists it.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
HOME_DIR ?= .nightquest
# Tests that share servers share a process, of which there is one more than cores; see tests/conftest.py.
PARALLEL := --numprocesses auto --maxprocesses 4
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE  # or every process that a test starts compiles all that it loads

.DEFAULT_GOAL := help
.PHONY: help demo test suite quick check lint types format schema cover bench bench-small serve ui lock clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Nightquest needs Python 3.11 or newer; point PYTHON at one: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked dependencies into .venv (once, a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## simulate an app's players, run its nights, show what they get
	@$(BIN)/nightquest demo --home $(HOME_DIR)

test: lint ## format and lint, then types beside every test
	@$(MAKE) --no-print-directory --jobs 2 types suite

suite: $(READY)
	@$(BIN)/python -m pytest $(PARALLEL)

quick: $(READY) ## the tests that start no servers
	@$(BIN)/python -m pytest -m "not slow"

check: lint types ## format, lint, types

lint: $(READY)
	@$(BIN)/ruff format --check --quiet . || { echo "Run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .

types: $(READY)
	@$(BIN)/mypy

format: $(READY) ## rewrite files in the house format
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --fix --quiet .

schema: $(READY) ## export the app file's JSON Schema for editors, and its keys for docs/apps.md
	@$(BIN)/python -c "from configs.loader import write_schema; write_schema()"
	@$(BIN)/python -c "from configs.reference import write_reference; write_reference()"

cover: $(READY) ## every test, with branch coverage
	@$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report=term

bench: $(READY) ## measure every stage against a straight script, for 20,000 and 200,000 players (PLAYERS="500000": others; MORE=--resume)
	@$(BIN)/python -m tests.benchmarks.bench $(PLAYERS) $(MORE)

bench-small: $(READY) ## the same for 1,000 players, in about a minute
	@$(BIN)/python -m tests.benchmarks.bench --small

serve: $(READY) ## Prefect, MLflow, and every deployment with its schedule
	@$(BIN)/nightquest serve --home $(HOME_DIR)

ui: $(READY) ## start a night from Prefect's form in headless Chromium, after `make demo`
	@$(BIN)/python -m tests.flows.ui_run --home $(HOME_DIR) --save docs/img

lock: ## resolve pyproject.toml afresh into requirements.lock
	@rm -rf build/lock && $(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --upgrade pip setuptools
	@build/lock/bin/python -m pip install --quiet . --group dev
	@build/lock/bin/python -m pip freeze --exclude nightquest --all | grep -v '^pip==' > requirements.lock
	@rm -rf build

clean: ## remove what was built; data under --home stays
	@rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	@find . -name __pycache__ -prune -exec rm -rf {} +
