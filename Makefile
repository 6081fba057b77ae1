# What a newcomer types. Everything below needs only Python 3.11+ and, the first time, the package index.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Processes that share the test files among them; 0 runs all in one, and a debugger then works.
WORKERS ?= 2
# Entries that make load measures with: the shipped ones and made-up ones; 0 takes the knowledge base as it is.
ENTRIES ?= 10000
# Programs that make peers installs, separated by spaces; none: all that can be measured.
PEERS   ?=
# Extras that make wheelhouse adds, separated by commas: postgres,oidc,otel.
EXTRAS  ?=
export YOUSU_HOME ?= $(CURDIR)/var

.PHONY: run install prepare test test-finetune test-notebooks lint types fix bench load chaos audit train pictures notebooks docs wheelhouse sbom peers clean
run: prepare  ## set up, then start the service and the panel on http://127.0.0.1:8345
	@$(BIN)/yousu serve

install: $(STAMP)
$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, found " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

prepare: $(STAMP)
	@$(BIN)/yousu prepare

$(VENV)/.dev: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

test: $(VENV)/.dev  ## lint, types, import rules and every test that needs no torch
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not finetune and not chaos and not notebooks"

$(VENV)/.finetune: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,finetune]'
	@touch $@

test-finetune: $(VENV)/.finetune  ## the tests that need torch and sentence-transformers
	$(BIN)/python -m pytest -m finetune

test-notebooks: $(VENV)/.dev  ## run every notebook from top to bottom, storing nothing
	$(BIN)/python -m pytest -n $(WORKERS) -m notebooks tests/test_notebooks.py

bench: $(STAMP)  ## everything that can be measured here, in tables and in bench/report.html
	@$(BIN)/python bench/report.py

peers: $(STAMP)  ## environments of other programs, for make bench to measure beside ours
	@$(BIN)/python bench/peers.py $(PEERS)

load: $(STAMP)  ## steady, full and four times too much, with the encoder alone and a no-op beside it; ENTRIES=0: yours
	@$(BIN)/yousu bench load --entries $(ENTRIES)

chaos: $(VENV)/.dev  ## hurt real processes, one line a fault
	$(BIN)/python -m pytest -m chaos -vv --no-header -rN tests/chaos

audit: $(VENV)/.dev  ## search our code and what it stands on for known weaknesses (pip-audit asks pypi.org)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check bandit pip-audit
	$(BIN)/bandit -q -c pyproject.toml -r kb models serve training yousu.py
	@$(BIN)/python -c "import urllib.request as u; n, v = next(p for p in open('deploy/constraints.txt') if '==' in p).split('=='); \
	  u.urlopen(f'https://pypi.org/pypi/{n}/{v.strip()}/json', timeout=20)" 2>/dev/null \
	  || { echo "bandit: nothing found. pip-audit: NOT run, pypi.org itself does not answer here (a mirror of packages knows no weaknesses);"; \
	       echo "run it on a connected machine, as docs/operations.md says under Known weaknesses."; exit 1; }
	$(BIN)/pip-audit --strict --no-deps --disable-pip -r deploy/constraints.txt
	$(BIN)/pip-audit --skip-editable

train: $(STAMP)  ## retrain what ships from data/, and write its figures into the documents
	@$(BIN)/yousu train-heads
	@$(BIN)/python docs/generate.py

pictures: $(VENV)/.dev  ## take the pictures of the READMEs anew, of our own written examples
	@$(BIN)/python -m tests.browser.pictures $(YOUSU_HOME)

notebooks: $(VENV)/.dev  ## run the notebooks anew and store their outputs, then check them
	$(BIN)/python notebooks/execute.py
	$(BIN)/python -m pytest tests/test_notebooks.py -m "not notebooks"

docs: $(VENV)/.dev  ## the documents as pages with a search, in dist/docs; a link that leads nowhere stops it
	$(BIN)/sphinx-build -W --keep-going -q -c docs -d dist/doctrees . dist/docs
	@echo dist/docs/index.html

wheelhouse: $(STAMP)  ## every wheel of the base install and of EXTRAS, with hashes, in dist/wheelhouse
	@$(BIN)/python deploy/wheelhouse.py dist/wheelhouse --extras '$(EXTRAS)'

sbom: $(VENV)/.dev  ## what the base install is made of, CycloneDX 1.6, in dist/sbom.json
	@mkdir -p dist && $(BIN)/python deploy/sbom.py dist/sbom.json

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

clean:
	rm -rf $(VENV) var build dist
