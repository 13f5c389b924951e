# Firstline: every command does its own set-up. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SPEED ?= 1
INCIDENTS ?= 2000

.PHONY: help setup demo test suite lint soak bench lock clean

help: ## what can be done
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## a virtual environment with everything locked, in .venv

$(STAMP): requirements.lock pyproject.toml $(wildcard connectors/*/pyproject.toml) deploy/setup
	@PYTHON=$(PYTHON) deploy/setup $(VENV)
	@touch $@

demo: setup ## the whole story on this machine; SPEED=0.2 for a slower show
	@exec $(BIN)/firstline demo --speed $(SPEED)

test: setup ## every check and every test; installs what they talk to
	deploy/peers
	@$(MAKE) --no-print-directory -j2 --output-sync=line lint suite

suite: setup
	$(BIN)/pytest -n 4 --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy src connectors/*/src tests connectors/*/tests

soak: setup ## hours: storms of incidents through faults and kills; INCIDENTS=200 for a shorter one
	INCIDENTS=$(INCIDENTS) $(BIN)/pytest -o python_files='soak_*.py' tests/soak
	DEMO_KILLS=20 $(BIN)/pytest tests/acceptance/demo/test_crash.py

bench: setup ## figures with their yardsticks, one JSON line each
	$(BIN)/python -m tests.benchmark

lock: setup ## resolve the dependencies anew; names no registry
	$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		--no-emit-package firstline --no-emit-package firstline-servicenow --no-emit-package firstline-jira --no-emit-package firstline-pagerduty \
		--group dev pyproject.toml -o requirements.lock

clean: ## remove what set-up and runs have left
	rm -rf $(VENV) .demo .pytest_cache .mypy_cache .ruff_cache
