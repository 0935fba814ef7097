# Everything is installed into .venv from the hash-pinned lock files; Python 3.11 or later is enough.

PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := -m pip --disable-pip-version-check --quiet install
# The official conformance suite, clients and servers come by npm; without it their tests are skipped.
NODE := $(if $(shell command -v npm),tests/node/node_modules/stamp)
TESTS ?=
# Most tests wait more than they work: six workers keep two cores busy.
WORKERS ?= 6

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak lock screenshot clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/runtime.stamp ## run Placet on loopback with a demo server and a local workspace
	@$(BIN)/placet demo

# Each worker and process of the tests would compile the same modules again; the tests' own, which
# pytest compiles, all workers at the same time: two processes do that before.
HALVES := "tests/gateway tests/policies" "tests --ignore=tests/gateway --ignore=tests/policies"
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/dev.stamp .venv-mcp1/stamp .venv-clients/stamp .venv-judges/stamp $(NODE) ## run every test (TESTS=path to run some)
	@test -n "$(TESTS)" || ls tests/__pycache__/*pytest* >/dev/null 2>&1 || { for half in $(HALVES); do \
		$(BIN)/python -m pytest --collect-only $$half >/dev/null 2>&1 & done; wait; }
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

check: $(VENV)/dev.stamp ## check format, lint, types and the imports between the packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.stamp ## measure a call through Placet against no gateway and a bare one
	@$(BIN)/python tests/benchmarks/bench_gateway.py
	@$(BIN)/python tests/benchmarks/bench_ledger.py
	@$(BIN)/python tests/benchmarks/bench_history.py
	@$(BIN)/python tests/benchmarks/bench_maintenance.py
	@$(BIN)/python tests/benchmarks/bench_policy.py
	@$(BIN)/python tests/benchmarks/bench_simulate.py
	@$(BIN)/python tests/benchmarks/bench_slack.py
	@$(BIN)/python tests/benchmarks/bench_risk.py

NPM := --ignore-scripts --no-audit --no-fund --loglevel=error
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header

soak: $(VENV)/dev.stamp ## kill and restart processes under load for half an hour, and check what is left
	PLACET_SOAK=1 $(BIN)/python -m pytest -o log_cli=true -o log_cli_level=INFO tests/soak

lock: $(VENV)/dev.stamp ## pin the newest versions that pyproject.toml allows (asks the package index)
	$(LOCK) --upgrade pyproject.toml --group build --output-file requirements.lock
	$(LOCK) --upgrade pyproject.toml --group build --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock
	$(LOCK) --upgrade --group mcp1 --output-file requirements-mcp1.lock
	$(LOCK) --upgrade --group clients --no-strip-extras --output-file requirements-clients.lock
	$(LOCK) --upgrade --group judges --output-file requirements-judges.lock
	npm update --prefix tests/node --package-lock-only --omit-lockfile-registry-resolved $(NPM)

screenshot: $(VENV)/dev.stamp ## draw the pictures of docs/ anew (needs Chromium)
	PYTHONPATH=.:tests $(BIN)/python tests/scenarios/pictures.py

clean: ## remove the environments and caches
	rm -rf $(VENV) .venv-mcp1 .venv-clients .venv-judges tests/node/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "placet: no Python 3.11 or later with venv found; install one (Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python $(PIP) --require-hashes --requirement requirements.lock
	$(BIN)/python $(PIP) --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/runtime.stamp
	$(BIN)/python $(PIP) --require-hashes --requirement requirements-dev.lock
	@touch $@

.venv-mcp1/stamp: requirements-mcp1.lock | $(VENV)/bin/python
	$(BIN)/python -m venv .venv-mcp1
	.venv-mcp1/bin/python $(PIP) --require-hashes --requirement requirements-mcp1.lock
	@touch $@

.venv-clients/stamp: requirements-clients.lock | $(VENV)/bin/python
	$(BIN)/python -m venv .venv-clients
	.venv-clients/bin/python $(PIP) --require-hashes --requirement requirements-clients.lock
	@touch $@

.venv-judges/stamp: requirements-judges.lock | $(VENV)/bin/python
	$(BIN)/python -m venv .venv-judges
	.venv-judges/bin/python $(PIP) --require-hashes --requirement requirements-judges.lock
	@touch $@

tests/node/node_modules/stamp: tests/node/package.json tests/node/package-lock.json
	npm ci --prefix tests/node $(NPM) && touch $@ \
	|| echo "placet: npm did not install tests/node; the tests that need it are skipped" >&2
