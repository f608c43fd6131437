# Works on Debian 12 with Python 3.11, git and make. Stamps in .make/ keep a second run short, and off the network.

VENV   := .venv
PYTHON ?= python3.11 python3.12 python3.13 python3.14 python3
PIP    := $(VENV)/bin/python -m pip --quiet --disable-pip-version-check
PYTEST := $(VENV)/bin/python -m pytest
# Real daemons with deadlines share two cores: what fails beside others has one more run by itself, and both are shown.
ALONE  := $(PYTEST) --last-failed --last-failed-no-failures none --exitfirst
LOCK   := $(VENV)/bin/uv pip compile --quiet pyproject.toml --universal --python-version 3.11 \
          --generate-hashes --no-header --no-emit-index-url

# Child processes start a second sooner from compiled files.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install dev demo test test-slow check bench lock clean

help:       ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

install: .make/project  ## pager and what it runs on, into .venv
dev: .make/dev  ## and what its tests and checks need

demo: install  ## pager in one terminal: an alert, a page, an ack
	$(VENV)/bin/pagerctl demo

test: dev  ## all tests but the slow ones
	tests/setup-debian.sh
	$(PYTEST) -n 4 --dist worksteal -m "not slow" --durations=20 || $(ALONE) -m "not slow"

test-slow: dev  ## the tests that take minutes
	tests/setup-debian.sh
	HYPOTHESIS_PROFILE=slow $(PYTEST) -n 2 -m slow --durations=20 || HYPOTHESIS_PROFILE=slow $(ALONE) -m slow

check: dev  ## lint, format and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: dev  ## the figures of the README, measured here
	$(VENV)/bin/python -m tests.bench

lock: dev  ## pin again what pyproject.toml asks for; `make lock UPGRADE=--upgrade` takes the newest
	$(PIP) install uv
	$(LOCK) $(UPGRADE) --all-extras --group build -o requirements.lock
	@# Constrained by the first file, since both go into one environment.
	$(LOCK) $(UPGRADE) --all-extras --group build --group dev -c requirements.lock -o requirements-dev.lock

clean:  ## everything that make made
	rm -rf $(VENV) .make dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pyvenv.cfg is as old as the environment; its python is a link to something older.
$(VENV)/pyvenv.cfg:
	@for python in $(PYTHON); do \
	    $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	    python=; \
	done; \
	[ -n "$$python" ] || { echo "no Python 3.11 or newer in PATH" >&2; exit 1; }; \
	$$python -c 'import ensurepip' 2>/dev/null || tests/setup-debian.sh venv; \
	if $$python -c 'import ensurepip' 2>/dev/null; then \
	    $$python -m venv --clear $(VENV); \
	else \
	    $$python -m venv --clear --without-pip $(VENV) && $$python -m pip --python $(VENV)/bin/python install pip; \
	fi || { rm -rf $(VENV); exit 1; }

.make/runtime: requirements.lock $(VENV)/pyvenv.cfg
	$(PIP) install --require-hashes -r requirements.lock
	@mkdir -p .make && touch $@

.make/project: pyproject.toml .make/runtime
	$(PIP) install --no-deps --no-build-isolation --editable .
	@mkdir -p .make && touch $@

.make/dev: requirements-dev.lock .make/project
	$(PIP) install --require-hashes -r requirements-dev.lock
	@mkdir -p .make && touch $@
