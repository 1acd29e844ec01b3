# `make` or `make help` lists what there is. Needs Python 3.11 or newer, Git and make; everything
# else comes from requirements.lock into .venv.

PYTHON ?= python3
WORKERS ?= 4
SEEDS ?= 200
FIRST ?= 0
BIN := .venv/bin
STAMP := .venv/.installed
SOURCES := $(wildcard reconciler tests benchmarks tools)

.DEFAULT_GOAL := help
.PHONY: help setup format lint types imports check test golden test-slow simulate coverage demo bench docs lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install what requirements.lock names (again only if that changed)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it: make PYTHON=python3.12")'
	@test ! -L .venv || { echo "\`.venv\` is a link; remove it, or what it leads to would be emptied" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check
	@touch $@

format: $(STAMP) ## format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(STAMP) ## check format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP) ## check types
	$(BIN)/mypy $(SOURCES)

imports: $(STAMP) ## check that imports point downwards only
	$(BIN)/lint-imports --no-logo

check: lint types imports ## lint, types and imports

test: check ## set up, then every check and the tests: what CI runs
	$(BIN)/pytest -n $(WORKERS)

golden: $(STAMP) ## rewrite the rendered examples in tests/golden
	$(BIN)/python -m tools.golden

test-slow: $(STAMP) ## the tests that take longer
	$(BIN)/pytest -n $(WORKERS) -m slow

simulate: $(STAMP) ## random worlds on virtual time: SEEDS=N [FIRST=K], or again SEED=K
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --first $(FIRST))

coverage: $(STAMP) ## the tests, and which lines and branches they leave out
	$(BIN)/pytest -n $(WORKERS) --cov

demo: $(STAMP) ## try it on the examples
	@. $(BIN)/activate && sh examples/demo/run.sh

bench: $(STAMP) ## measure speed and memory
	$(BIN)/python -m benchmarks.run

docs: $(STAMP) ## write docs/reference from the models
	$(BIN)/python tools/reference.py

lock: ## choose the newest versions again and write requirements.lock
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv-lock/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-emit-index-url --upgrade --quiet --output-file requirements.lock
	rm -rf .venv-lock

clean: ## remove .venv and everything else that is made
	rm -rf .venv .venv-lock .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
