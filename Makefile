# What a fresh machine needs: Python 3.11 or newer, git, make. No root, no account, no database, no Docker.
#   make PYTHON=python3.12 setup     another interpreter
#   make demo ARGS=--exit            arguments for the command behind a target
#   make test ARGS='-k gate'

PYTHON ?= python3
ARGS ?=
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
LOCKS := infra/requirements
TOOLS := $(VENV)/.tools
STAMP := $(VENV)/.installed
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-containers properties simulate bench mutants lint audit fmt docs lock wheel clean diaries

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with the locked dependencies and the command heelrise

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Heelrise needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo 'not there')." >&2; \
		echo "Name another one:  make PYTHON=python3.12 $(or $(MAKECMDGOALS),setup)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The lock files say what is installed, with hashes. uv is quick; where it cannot reach an index as it is set up
# (it does not read pip's configuration), pip installs the same files. The project itself is editable.
$(TOOLS): $(VENV)/pyvenv.cfg $(LOCKS)/bootstrap.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCKS)/bootstrap.txt
	@touch $@

$(STAMP): $(TOOLS) $(LOCKS)/dev.txt pyproject.toml
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes $(LOCKS)/dev.txt || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCKS)/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Start everything, import nine diaries, show every patient's way and one decision, and serve
	@$(BIN)/heelrise demo $(ARGS)

test: setup ## The whole suite, on real PostgreSQL and NATS, in random order and in parallel
	$(BIN)/pytest -n $(JOBS) --dist loadfile $(ARGS)

test-containers: setup ## The images, docker-compose.yml and the integration tests in containers (needs a Docker engine)
	infra/docker/with-engine.sh $(BIN)/pytest tests/containers $(ARGS)

diaries: setup ## Write out anew what is decided of the nine diaries (tests/golden/diaries)
	@$(BIN)/python -m tests.support.diary_decisions

properties: setup ## Ten thousand simulated patients, each looked at after every input
	@$(BIN)/python -m tests.simulation $(ARGS)

simulate: setup ## 1,000 simulated patients under all protocols: table, figures and pictures in build/simulation
	@mkdir -p build/simulation
	@$(BIN)/heelrise simulate --patients 1000 --weeks 20 --seed 1 --protocol all \
		--json build/simulation/figures.json --plots build/simulation $(ARGS)

bench: setup ## What a session costs, and appending and folding beside another library; build/bench.json
	@$(BIN)/python -m tests.bench $(ARGS)

mutants: setup ## Mutate the judge and its thresholds, and see that the tests notice (ARGS='--rule P4', '--since main')
	$(BIN)/python -m tests.mutation --jobs $(JOBS) $(ARGS)

lint: setup ## Lint, format, types, import contracts, generated files and locks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory check-docs check-locks

.PHONY: check-docs check-locks
check-docs: setup
	$(BIN)/python docs/generate.py --check
	$(BIN)/python docs/security_tables.py --check
	$(BIN)/python docs/rules.py --check

check-locks: setup
	@rm -rf build/locks && mkdir -p build/locks && cp $(LOCKS)/*.txt build/locks/
	@$(MAKE) --no-print-directory --silent lock LOCKED=build/locks
	@for each in bootstrap runtime dev; do \
		diff -u $(LOCKS)/$$each.txt build/locks/$$each.txt || { echo "run: make lock" >&2; exit 1; }; done
	@echo "lock files match what they are made from"

audit: setup ## Ask for known vulnerabilities of what is shipped (needs advisory data: run it before a release)
	$(BIN)/python infra/checks/audit.py

fmt: setup ## Format, and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: setup ## Write what is generated: events, permissions, the list of decisions, the rules
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/security_tables.py
	$(BIN)/python docs/rules.py

LOCKED ?= $(LOCKS)
lock: $(TOOLS) ## Lock the dependencies anew, keeping the versions that still fit (ARGS=--upgrade takes the newest)
	$(COMPILE) $(ARGS) $(LOCKS)/bootstrap.in -o $(LOCKED)/bootstrap.txt
	$(COMPILE) $(ARGS) pyproject.toml -o $(LOCKED)/runtime.txt
	$(COMPILE) $(ARGS) --extra plots pyproject.toml $(LOCKS)/dev.in -c $(LOCKS)/runtime.txt -o $(LOCKED)/dev.txt

wheel: setup ## Build dist/heelrise-….whl
	$(BIN)/python -m hatchling build -t wheel

clean: ## Delete what was built, and .venv
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
