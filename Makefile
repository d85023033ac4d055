# Brain Console. `make help` lists the commands.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"
export VENV := $(abspath $(VENV))
# With ARGS, nothing found to run (5) is no fault: they may name tests of one kind only.
pytest = $(BIN)/python -m pytest -q $(1) $(ARGS) || $(if $(ARGS),[ $$? = 5 ] ||) status=1
.DEFAULT_GOAL := help
.PHONY: help run setup setup-tests test soak lint types bench lock

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

run: setup ## Set up, start the console with demonstration data, open it
	@exec $(BIN)/brain serve --demo-if-empty

setup: ## Create or refresh .venv from the locked packages
	@$(PYTHON) .ci/setup.py

setup-tests:
	@$(PYTHON) .ci/setup.py --tests
	@$(BIN)/python .ci/services.py

test: setup-tests ## Set up all the tests need, then lint, types and all tests (ARGS="-k name")
	@status=0; \
	$(BIN)/ruff check --quiet . || { echo "ruff found faults (above)."; status=1; }; \
	$(BIN)/mypy --no-error-summary || { echo "mypy found faults (above)."; status=1; }; \
	$(call pytest,--browser without --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder); \
	$(call pytest,--browser only); \
	exit $$status

soak: setup-tests ## Kill in a loop, much longer than the tests do (TIMES=20)
	@SOAK_TIMES=$(or $(TIMES),20) $(BIN)/python -m pytest -q --timeout 0 -m soak

lint: setup-tests ## Check style and security rules
	@$(BIN)/ruff check .

types: setup-tests ## Check types
	@$(BIN)/mypy

bench: setup-tests ## Measure speed (ONLY=page_data EVENTS=20000000)
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY)) $(if $(EVENTS),--events $(EVENTS))

lock: setup ## Resolve requirements*.in anew into the lock files with hashes
	@$(UV_COMPILE) --upgrade requirements.in -o requirements.txt
	@$(UV_COMPILE) --upgrade -c requirements.txt requirements-test.in -o requirements-test.txt
	@$(UV_COMPILE) --upgrade .ci/uv.in -o .ci/uv.txt
