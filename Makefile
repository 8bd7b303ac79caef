# Two commands do everything on a fresh machine: `make demo` and `make test`. `make test-all` adds the tests of minutes:
# storms of kills, full disks, suspended runs, and studies on several machines.
PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
export XTRANSFER_HOME ?= $(CURDIR)/demo

# Slow files are handed out first; a file's tests stay on one worker, for they share fixtures. On two cores, three workers,
# because the slow tests mostly wait for servers and processes of their own; threads that wait must not hold a core.
PYTEST := OMP_WAIT_POLICY=PASSIVE $(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 20

.PHONY: demo test test-all lint docs clean
.DELETE_ON_ERROR:

demo: .venv/installed
	$(PY) -m flows.cli run lab --out "$(XTRANSFER_HOME)/report"

test: lint
	$(PYTEST) -m "not storm"

test-all: lint
	$(PYTEST)

lint: .venv/installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache

docs: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

# torch first and by its exact version: an open range may take gigabytes of CUDA packages
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) torch==2.13.0
	$(PIP) --editable .
	touch .venv/installed

.venv/installed-dev: .venv/installed
	$(PIP) --editable ".[dev]"
	$(PY) -m tests.browser.chromium || $(PY) -m playwright install chromium || true  # without one, its tests skip
	touch .venv/installed-dev

.venv/installed-docs: .venv/installed
	$(PIP) --editable ".[docs]"
	touch .venv/installed-docs

clean:
	rm -rf .venv demo site
