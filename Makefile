# The two a newcomer needs: `make demo` and `make test`. Each installs what it needs first.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PACKAGES := bi cli expectations ingestion ml monitoring orchestration semantic_layer warehouse
SIZE ?= small

.PHONY: help demo superset test test-long lint lint-python lint-types lint-sql bench up down docs lock clean

help:  ## What each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

# One environment for everything, exactly as locked. Byte code is compiled here, at install: an
# environment without it recompiles every module at every start (PYTHONDONTWRITEBYTECODE is common in images).
$(INSTALLED): requirements/bootstrap.lock requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || \
		{ echo "Millrace needs Python 3.11; found: $$($(PYTHON) --version 2>&1). Install it, or: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing into $(VENV) (once, and again when requirements change) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements/dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q -x '/\.venv/' $(PACKAGES)
	@touch $@

demo: $(INSTALLED)  ## The whole stack on this machine, then what to open (SIZE=small|medium|large, BI=0: without Superset)
	@$(BIN)/millrace demo --size $(SIZE) $(if $(filter 0,$(BI)),--no-dashboards)

superset: $(INSTALLED)  ## Superset's own environment, which the first `millrace bi up` would install
	@$(BIN)/python -m bi.environment

# Files in the order of their names: by number of tests the longest would come last, alone.
PYTEST := $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --no-loadscope-reorder

test: $(INSTALLED)  ## What every change must pass
	@$(PYTEST)

test-long: $(INSTALLED)  ## What takes too long for every change: kills, clusters, backups, browsers, many more events, broken bytes
	@$(PYTEST) tests/long tests/fuzz

lint: lint-python lint-types lint-sql  ## Style, types and SQL

lint-python: $(INSTALLED)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

lint-types: $(INSTALLED)
	@$(BIN)/mypy

lint-sql: $(INSTALLED)
	@$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 warehouse/raw_schema
	@cd dbt_project && ../$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 models

bench: $(INSTALLED)  ## The short form of bench/ (some ten minutes on a quiet machine), into docs/benchmarks.md
	@$(BIN)/python -m bench

up: $(INSTALLED)  ## Start the local services
	@$(BIN)/millrace up

down: $(INSTALLED)  ## Stop them
	@$(BIN)/millrace down

docs: $(INSTALLED)  ## Regenerate what is generated: .env.example, docs/*.md; and dbt's site of the models
	@$(BIN)/millrace config --example > .env.example
	@$(BIN)/python -m ingestion.event_guide
	@$(BIN)/python -m ingestion.sources.guide
	@$(BIN)/python -m ml.features.dbt_yaml
	@$(BIN)/python -m warehouse.data_dictionary
	@$(BIN)/python -m semantic_layer.metrics.guide
	@$(BIN)/millrace up  # the site also shows what is in the warehouse
	@$(BIN)/millrace dbt --quiet docs generate --static
	@$(BIN)/python -c 'from warehouse.settings import load_settings as s; print("The site:", s().data_dir / "dbt/target/static_index.html")'

# Hashed requirement files without index lines: they install from whichever registry a machine is set up for.
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --python-version 3.11
lock:  ## Resolve the requirements again (after pyproject.toml changed)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	@$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.lock $(LOCK_FLAGS)
	@$(COMPILE) pyproject.toml --constraint requirements/dev.lock --output-file requirements/main.lock $(LOCK_FLAGS)
	@$(COMPILE) bi/pyproject.toml --output-file bi/requirements.lock $(LOCK_FLAGS)
	@echo uv | $(COMPILE) - --constraint requirements/dev.lock --output-file requirements/bootstrap.lock $(LOCK_FLAGS)

clean:  ## Stop the services and remove the environment and caches; the data in .millrace stays
	@test ! -x $(BIN)/millrace || $(BIN)/millrace down
	rm -rf $(VENV) bi/.venv .pytest_cache .mypy_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
