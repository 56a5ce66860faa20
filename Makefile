# `make run` and `make test` need git, make and Python 3.11 or newer. What else they need they install
# into .venv, checked by hash; for the browser tests Chromium too, with apt, where there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WHEEL_VENV := build/wheel-venv
PIP_INSTALL := -m pip install --disable-pip-version-check --progress-bar off

PAGE := $(addprefix ui/frontend/,hatch_build.py build.mjs package.json package-lock.json tsconfig.json) \
	$(shell find ui/frontend/src -type f)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

# ---- running

.PHONY: run
run: $(VENV)/installed ## Run Tenth from this folder (ARGS="--data DIR" and so on)
	$(BIN)/tenth serve $(ARGS)

.PHONY: demo
demo: $(VENV)/installed ## Send the demo shop's telemetry to a running Tenth
	$(BIN)/tenth demo $(ARGS)

.PHONY: venv
venv: $(VENV)/installed ## Create .venv with all tools and this folder in it

define check_python
@$(PYTHON) -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' || { \
	echo 'Tenth needs Python 3.11 or newer with venv: make PYTHON=python3.12, or apt install python3-venv'; \
	exit 1; }
endef

$(VENV)/locked: requirements-dev.txt
	$(check_python)
	@echo '== Installing what requirements-dev.txt locks into $(VENV): about 1 GB, some minutes'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/installed: $(VENV)/locked pyproject.toml $(PAGE)
	@echo '== Installing this folder into $(VENV) and building the page'
	$(BIN)/python $(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

# ---- testing

.PHONY: test
test: lint test-page test-python test-wheel ## Run all checks and tests, also against the built wheel

.PHONY: lint
lint: $(VENV)/installed ## Check format, types, import contracts and generated code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory check-stubs

NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix ui/frontend
PAGE_MODULES := ui/frontend/node_modules/.package-lock.json

$(PAGE_MODULES): ui/frontend/package-lock.json | $(VENV)/installed
	@echo '== Installing what the page is built from'
	$(NPM) ci --ignore-scripts --no-update-notifier
	@touch $@

.PHONY: test-python
test-python: $(VENV)/installed $(PAGE_MODULES) chromium ## Run the Python tests (ARGS="-k name")
	$(BIN)/pytest $(ARGS)

.PHONY: test-page
test-page: $(PAGE_MODULES) ## Check and test the page's TypeScript
	$(NPM) run check
	$(NPM) test

.PHONY: chromium
chromium: # what the browser tests drive
	@command -v $${CHROMIUM:-chromium} >/dev/null || { \
		echo '== Installing Chromium for the browser tests'; \
		sudo=$$([ $$(id -u) = 0 ] || echo sudo); \
		$$sudo apt-get update -q && $$sudo apt-get install -q -y --no-install-recommends chromium; \
	} || { echo 'No Chromium, and none could be installed: set CHROMIUM=/path/to/chromium'; exit 1; }

$(WHEEL_VENV)/locked: requirements-dev.txt
	@echo '== Installing what requirements-dev.txt locks once more, for the tests of the wheel'
	$(PYTHON) -m venv $(WHEEL_VENV)
	$(WHEEL_VENV)/bin/python $(PIP_INSTALL) --require-hashes -r requirements-dev.txt
	@# Users need not have pandas, and pyarrow gives other values where it is.
	$(WHEEL_VENV)/bin/python -m pip uninstall --quiet --yes pandas
	@touch $@

# What the tests read besides the packages.
TEST_FILES := tests deploy docs proto pyproject.toml requirements.txt requirements-dev.txt README.md
# What a wheel can lack is files and entry points: these run the installed program and read its files.
# The others try functions and the wire, which the run before has shown of the same code.
TEST_WHEEL := tests/tenth tests/ui tests/journeys

.PHONY: test-wheel
test-wheel: wheel $(WHEEL_VENV)/locked chromium ## Run the Python tests against the built wheel
	$(WHEEL_VENV)/bin/python $(PIP_INSTALL) --force-reinstall --no-deps dist/*.whl
	$(WHEEL_VENV)/bin/python -m pip check --disable-pip-version-check
	@echo '== The tests again, away from the sources: tenth comes from the wheel'
	away=$$(mktemp -d) && tar -c --exclude=node_modules $(TEST_FILES) | tar -x -C $$away && cd $$away \
		&& TENTH_TEST_WHEEL=1 $(CURDIR)/$(WHEEL_VENV)/bin/pytest -p no:cacheprovider $(TEST_WHEEL) $(ARGS); \
		status=$$?; rm -rf $$away; exit $$status

.PHONY: wheel
wheel: $(VENV)/installed ## Build the wheel into dist/
	rm -rf dist
	$(BIN)/hatchling build -t wheel

# ---- measuring

.PHONY: bench
bench: $(VENV)/installed ## Measure receiving, archiving, decoding, queries and the page: 45 minutes
	$(BIN)/python -m tests.bench.run
	$(BIN)/python -m tests.bench.decode
	$(BIN)/python -m tests.bench.queries
	$(BIN)/python -m tests.bench.snapshot
	$(BIN)/python -m tests.bench.together --keep
	$(BIN)/python -m tests.bench.weights --keep
	$(BIN)/python -m tests.bench.month
	$(BIN)/python -m tests.bench.answers
	$(BIN)/python -m tests.bench.hostile
	$(BIN)/python -m tests.bench.page
	$(BIN)/python -m tests.bench.clients

.PHONY: screenshots
screenshots: $(VENV)/installed chromium ## Take the pictures of docs/images
	$(BIN)/python -m tests.browser.screenshots

# ---- generated files

PROTOC = $(BIN)/python -m grpc_tools.protoc --python_out=$(1) --pyi_out=$(1) --grpc_python_out=$(1)
define generate_stubs
$(call PROTOC,$(1)) --proto_path=collector/contract=proto collector/contract/live.proto
$(call PROTOC,$(1)) --proto_path=storage/contract=proto storage/contract/archive.proto
endef

.PHONY: stubs
stubs: $(VENV)/installed ## Generate the gRPC code of proto/
	$(call generate_stubs,.)

.PHONY: check-stubs
check-stubs: $(VENV)/installed # generating would change nothing
	@rm -rf build/stubs && mkdir -p build/stubs
	$(call generate_stubs,build/stubs)
	@for file in $$(cd build/stubs && find . -name '*_pb2*'); do \
		cmp $$file build/stubs/$$file || { echo 'proto/ has changed: make stubs'; exit 1; }; done

.PHONY: docs
docs: $(VENV)/installed ## Write the table of settings into docs/settings.md
	$(BIN)/python -m tests.tenth.settings_table

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml

.PHONY: lock
lock: $(VENV)/locked ## Renew the requirements files (UPGRADE=--upgrade for newer versions)
	$(LOCK) $(UPGRADE) --output-file requirements.txt
	$(LOCK) $(UPGRADE) --group dev --constraints requirements.txt --output-file requirements-dev.txt

.PHONY: clean
clean: ## Remove what was built, and both environments
	rm -rf $(VENV) build dist ui/static ui/frontend/node_modules
