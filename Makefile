# Every target makes the virtual environment it needs; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/.core
STAMP := $(VENV)/.installed
# What a run needs: the environment with the tools if it exists, else only the packages of vectormill.
READY := $(if $(wildcard $(STAMP)),$(STAMP),$(CORE))
BENCH ?=
PYTEST_ARGS ?=
# One date for all files of a build, so that the same sources make the same wheel.
SOURCE_DATE_EPOCH ?= 315532800
export SOURCE_DATE_EPOCH

.PHONY: help setup java demo test test-all bench lint format types imports docs docs-check build \
	check clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# $(call install,name in the message,what pip installs)
define install
	@python=$$(.ci/find_python.sh) && { [ -x $(BIN)/python ] || "$$python" -m venv $(VENV); }
	@echo "Installing $(1) into $(VENV) (some minutes the first time)."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(2)'
	@touch $@
endef

$(CORE): pyproject.toml constraints.txt
	$(call install,vectormill,.)

$(STAMP): pyproject.toml constraints.txt
	$(call install,vectormill and its tools,.[dev])

java: $(STAMP)
	@.ci/ensure_java.sh $(BIN)/python

setup: java ## Make the virtual environment and look for Java 17 or 21

demo: $(READY) ## Run the whole workflow on this machine's own text and code (build/demo/)
	@.ci/ensure_java.sh $(BIN)/python
	@$(BIN)/vectormill run conf/workflows/demo.yaml --env small

test: java ## Run the tests except the slow ones
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow" $(PYTEST_ARGS)

test-all: java ## Run every test, and kernel tests for several processors
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)
	@$(BIN)/python .ci/test_kernels.py -n 2 --dist loadfile --no-loadscope-reorder

bench: java ## Run one benchmark: make bench BENCH=name
	@if [ ! -f "tests/benchmarks/$(BENCH).py" ]; then \
		echo "error: name a benchmark, as make bench BENCH=word2vec; there are:" \
			$$(find tests/benchmarks -name '[a-z]*.py' -exec basename {} .py \; 2>/dev/null | sort) >&2; \
		exit 2; \
	fi
	@$(BIN)/python "tests/benchmarks/$(BENCH).py"

lint: $(STAMP) ## Check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(STAMP) ## Format, and fix what ruff can fix
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: $(STAMP) ## Check types
	@$(BIN)/mypy

imports: $(STAMP) ## Check the import layers
	@$(BIN)/lint-imports

docs: $(STAMP) ## Write the reference pages and the README's job table
	@$(BIN)/python docs/generate.py

docs-check: $(STAMP) ## Check that the reference pages and the job table are current
	@$(BIN)/python docs/generate.py --check

build: $(STAMP) ## Make the wheel and the --py-files zip in dist/
	@rm -rf build/lib build/bdist.* dist/vectormill*
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist . >build.log 2>&1 \
		|| { cat build.log >&2; rm -f build.log; exit 1; }
	@rm -rf build.log build/lib build/bdist.*
	@$(BIN)/python .ci/make_zip.py dist

check: lint types imports docs-check test ## All checks and the tests

clean: ## Delete all build output except the virtual environment
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache spark-warehouse
