# Everything that is downloaded or made stays in .cache, which git ignores.

STORE := sqlite
ARGS :=
COUNT := 100000
FAULTS := 200
WORKERS := 2
OUTBOX := both
SEED :=
EDX :=
EDX_COMMIT :=
MOODLE :=
VENDOR :=
PYTHON := .cache/venv/bin/python
INSTALLED := .cache/venv/.installed
PROVISION := $(PYTHON) -m tests.servers.provision

export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export HYPOTHESIS_STORAGE_DIRECTORY := $(CURDIR)/.cache/hypothesis

.DEFAULT_GOAL := help
.PHONY: help run test test-real lint bench faults clean
.DELETE_ON_ERROR:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

run: $(INSTALLED) ## Start the demo, on SQLite or with STORE=directus
	@$(if $(filter directus,$(STORE)),$(PROVISION) directus-11.17.4)
	@exec $(PYTHON) -m tests.demo --store $(STORE) $(ARGS)

# Without CI=true, tests of a component that cannot be installed are skipped.
test: lint ## Install what the tests need, check the code, run all tests (WORKERS=2 at once); ARGS go to pytest
	@$(PROVISION) || test "$$CI" != true
	@exec $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# Without EDX or MOODLE, the tests of that platform are skipped: tests/real/README.md.
test-real bench: export PROGRESS_BRIDGE_TEST_EDX = $(abspath $(EDX))
test-real bench: export PROGRESS_BRIDGE_TEST_EDX_COMMIT = $(EDX_COMMIT)
test-real: export PROGRESS_BRIDGE_TEST_MOODLE = $(abspath $(MOODLE))
test-real: export PROGRESS_BRIDGE_TEST_MOODLE_VENDOR = $(abspath $(VENDOR))
test-real: $(INSTALLED) ## Run the tests in a real edx-platform and Moodle: EDX=DIR MOODLE=DIR
	@exec $(PYTHON) -m pytest tests/real $(ARGS)

lint: $(INSTALLED) ## Check the code's style and types
	@$(PYTHON) -m ruff check --quiet
	@$(PYTHON) -m ruff format --check --quiet
	@$(PYTHON) -m mypy --no-error-summary

bench: $(INSTALLED) ## Measure the speed; one JSON object a line on standard output
	@$(PROVISION) directus-11.17.4 postgresql
	@exec $(PYTHON) -m tests.bench $(ARGS)

faults: $(INSTALLED) ## Kill and break everything while completions are delivered; SEED=… replays
	@$(PROVISION) directus-11.17.4 postgresql redis
	@exec $(PYTHON) -m tests.faults --count $(COUNT) --faults $(FAULTS) --outbox $(OUTBOX) \
		$(if $(SEED),--seed $(SEED)) $(ARGS)

clean: ## Remove all that the other targets downloaded or made
	rm -rf .cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): setup.py pyproject.toml
	@tests/servers/make-venv.sh .cache/venv
	@echo "Python packages: installing…" >&2
	@$(PYTHON) -m pip install -qq --editable '.[test]' >&2
	@touch $@
