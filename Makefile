# Commands for developers. `make test` is what CI runs.
PYTHON ?= python3
VENV ?= .venv
PYTEST_OPTIONS ?= -n 2 --dist worksteal
FUZZ ?= 20
BIN := $(VENV)/bin
# The part that needs no TensorFlow.
FAST_TESTS := tests/test_layering.py tests/archspec tests/tools/test_summary.py tests/tools/test_draw.py tests/tools/test_tune.py --ignore=tests/archspec/test_fuzz.py

.PHONY: help quickstart install test test-fast fuzz lint format schema benchmark benchmark-quick pictures performance clean

help:
	@echo "make quickstart   train a small network on real pictures, about a minute after installing"
	@echo "make test         lint, types and all tests: what CI runs"
	@echo "make test-fast    the tests that need no TensorFlow, in a minute"
	@echo "make fuzz         the tests with random inputs, with $(FUZZ) times as many and new ones each time (FUZZ=n),"
	@echo "                  and $(FUZZ),000 changed specs"
	@echo "make lint         ruff, mypy and the age of generated files, nothing changed"
	@echo "make format       ruff's fixes and formatting"
	@echo "make schema       regenerate specs/schema.json and docs/language.md, after a change of the language"
	@echo "make benchmark    what is claimed to be fast, measured: an hour on a quiet machine; fails if a target is missed"
	@echo "make benchmark-quick   fewer cases and rounds of it, in ten minutes"
	@echo "make pictures     draw the networks in docs/images/ again, after a change of a network or of the look"
	@echo "make performance  regenerate the tables of docs/performance.md from benchmarks/results/"
	@echo "make clean        remove $(VENV), caches and build outputs; runs/ stays"
	@echo "PYTHON=python3.12 chooses the interpreter, VENV=folder the environment, PYTEST_OPTIONS= one process for the tests"

quickstart: install
	$(BIN)/python tools/train.py specs/digits.yaml

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
		{ echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13; name one that is: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into $(VENV), once: 2.8 GB"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

test: lint
	$(BIN)/python -m pytest $(PYTEST_OPTIONS)

fuzz: install
	FUZZ=$(FUZZ) $(BIN)/python -m pytest $(PYTEST_OPTIONS) -m hypothesis
	$(BIN)/python -m tests.archspec.fuzzer $$((1000 * $(FUZZ)))

test-fast: install
	$(BIN)/python -m pytest $(PYTEST_OPTIONS) $(FAST_TESTS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m archspec.json_schema --check specs/schema.json
	$(BIN)/python -m archspec.reference --check docs/language.md
	$(BIN)/python -m benchmarks.performance --check docs/performance.md

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: install
	$(BIN)/python -m benchmarks

benchmark-quick: install
	$(BIN)/python -m benchmarks --quick

schema: install
	$(BIN)/python -m archspec.json_schema > specs/schema.json
	$(BIN)/python -m archspec.reference > docs/language.md

pictures: install
	$(BIN)/python -m tests.tools.pictures

performance: install
	$(BIN)/python -m benchmarks.performance docs/performance.md

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
