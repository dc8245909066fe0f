# make run opens the dashboard, make test runs the tests; both install what they need into .venv first.
# Another Python than python3: make run PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check

.PHONY: setup run test test-fast test-slow test-peers lint docs requirements bench train publish

setup: $(VENV)/.app

run: setup
	$(BIN)/python -m streamlit run main.py $(ARGS)

# make test: all but what is marked slow; make test-slow: that; make test-fast: what needs no network,
# browser or data folder. A file's tests stay in one process, where they share what they opened.
WORKERS ?= 2
test: KIND := not slow
test-slow: KIND := slow
test-fast: KIND := not (slow or network or browser or data)
test test-fast test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "$(KIND)" $(ARGS)

# maps and imports beside PyTorch's and others': their packages take gigabytes on some systems
test-peers: $(VENV)/.bench
	$(BIN)/python -m pytest tests/explain/test_explain_agreement.py tests/importers/test_torch_agreement.py $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/requirements.py --check

# the documentation, into site/; a dead link ends it. The two variables silence notices of its makers.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build --strict --quiet $(ARGS)

# after a change of the packages in pyproject.toml: writes requirements*.txt anew
requirements: $(VENV)/.dev
	$(BIN)/python tools/requirements.py

# make bench [BENCH=evaluate] [ARGS=--quick]
BENCH ?= reading
bench: $(VENV)/$(if $(filter explain,$(BENCH)),.bench,.dev)
	$(BIN)/python -m benchmarks.$(BENCH) $(ARGS)

# make train MODEL=bone-general RADLENS_DATA=folder [ARGS=--resume]
train publish: $(if $(MODEL),$(VENV)/.train)
	@test -n "$(MODEL)" || { echo "Which model? For example: make $@ MODEL=bone-general" >&2; exit 2; }
	$(BIN)/python -m xray_models $@ $(MODEL) $(ARGS)

# the stamps below make repeated calls quick

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "RadLens needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is none of these." >&2; \
	  echo "Name one that is installed, for example: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "On Debian and Ubuntu, install python3-venv first: apt-get install python3-venv" >&2; \
	  exit 1; }
	@touch $@

$(VENV)/.app: requirements.txt $(VENV)/.python
	@echo "Installing packages into $(VENV), a few minutes the first time ..."
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.app
	$(PIP) --quiet -r requirements-dev.txt
	@touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.dev
	$(PIP) -r requirements-bench.txt
	@touch $@

$(VENV)/.docs: requirements-docs.txt $(VENV)/.app
	$(PIP) --quiet -r requirements-docs.txt
	@touch $@

$(VENV)/.train: requirements-train.txt $(VENV)/.app
	$(PIP) -r requirements-train.txt
	@touch $@
