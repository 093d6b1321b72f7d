# make run   sets everything up, ingests and serves the chat on http://127.0.0.1:7860
# make test  sets everything up and runs all tests
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PIP_ARGS ?=
PIP    = $(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes --quiet

.DEFAULT_GOAL := help
.PHONY: help setup run test lint format check-knowledge ingest eval screenshots lock clean

help:
	@echo "make setup            .venv with all packages, those of the tests too"
	@echo "make run              set up, ingest and serve the chat on http://127.0.0.1:7860"
	@echo "make test             set up and run all tests"
	@echo "make lint             ruff and strict mypy"
	@echo "make format           ruff puts right what it can"
	@echo "make check-knowledge  the writing rules of the guides"
	@echo "make ingest           bring the index up to date"
	@echo "make eval             answers and safety on the development questions; WHAT=\"safety\""
	@echo "make screenshots      a picture of every page and state, and those of the documents"
	@echo "make lock             write requirements.lock anew from pyproject.toml"
	@echo "make clean            remove .venv and var/: index, feedback, audit log and accounts as well"

setup: $(STAMP)

# --no-deps: the lock names every package, so nothing that it does not name can come in.
# A CPU build of torch that lies on this machine (find-links) goes first: in hash mode pip would
# prefer the registry's, which on Linux wants gigabytes of CUDA libraries.
$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v == (3, 11) else "Python 3.11 is needed; this is %d.%d. Set PYTHON=/path/to/python3.11" % v)'
	$(PYTHON) -m venv $(VENV)
	@awk '/^torch==/ {p = 1} p {print} p && !/\\$$/ {exit}' requirements.lock > $(VENV)/torch.lock
	@$(PIP) --no-index -r $(VENV)/torch.lock >/dev/null 2>&1 && echo "torch: the CPU build on this machine" || true
	$(PIP) $(PIP_ARGS) -r requirements.lock
	@$(BIN)/python -c 'import torch' || { echo 'This build of torch does not run here. Remove $(VENV) and name the CPU index:'; \
	  echo '  make setup PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"'; exit 1; }
	@touch $@

ingest: setup
	$(BIN)/python ingest.py

run: ingest
	$(BIN)/python app.py

# Two processes, each with one thread, for what needs no browser; pages are drawn one after another.
test: setup
	.ci/system-packages
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not browser" -n 2 --dist loadfile
	$(BIN)/python -m pytest -m browser

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check-knowledge: setup
	$(BIN)/python -m bot ingest --check

eval: ingest
	$(BIN)/python -m bot eval $(WHAT)

# ONLY="emergency crisis" takes the pictures of those scenes alone.
screenshots: ingest
	.ci/system-packages
	$(BIN)/python -m tests.browser.screenshots $(ONLY)

lock: setup
	$(BIN)/python .ci/lock.py

clean:
	rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache
