# Everything runs in .venv; nothing else on the machine is touched.
PY     ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
DEV    := $(VENV)/.ready-dev
JOBS   ?= 2

.PHONY: run test lint bench soak conformance shots docs clean help
.DEFAULT_GOAL := run

$(BIN)/python:
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Jackbot needs Python 3.11 or newer, $(PY) is older: name another one, as in make PY=python3.12"; exit 1; }
	@$(PY) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "no virtual environment: on Debian, sudo apt install python3-venv"; exit 1; }

$(STAMP): $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $(STAMP)

$(DEV): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(DEV)

run: $(STAMP)          ## open the console on the embedded exchange
	$(BIN)/jackbot demo $(ARGS)

lint: $(DEV)           ## ruff and the type checker
	$(BIN)/ruff check jackbot_tui tests bench
	$(BIN)/mypy

# Real processes and sockets on a busy machine: what fails beside others is tried once more, alone. Both are printed.
test: lint             ## the whole suite, no network
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m 'not soak' $(ARGS) \
	  || { [ $$? -eq 1 ] && $(BIN)/python -m pytest --last-failed --last-failed-no-failures none -m 'not soak'; }

soak: $(DEV)           ## long soaks and drills (tens of minutes)
	$(BIN)/python -m pytest -m soak -s $(ARGS)

conformance: $(DEV)    ## every venue against its gateway, ccxt and recordings; results into the docs
	JACKBOT_CONFORMANCE_UPDATES=100000 $(BIN)/python -m pytest -q -n $(JOBS) tests/conformance tests/recorded tests/unit -m 'not soak' -k "gateway or codec or quirks or recorded or test_private or test_live" --conformance-report jackbot_tui/venues/conformance.json $(ARGS)
	$(BIN)/python -m jackbot_tui.docgen docs

bench: $(DEV)          ## benchmarks beside peers, as ratios
	$(BIN)/python -m bench $(ARGS)

shots: $(DEV)          ## screenshots/ from a seeded demo
	$(BIN)/python -m jackbot_tui.tui.shots screenshots

docs: $(DEV)           ## pages generated from code
	$(BIN)/python -m jackbot_tui.docgen docs

help:                 ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */  make \1\t/' | expand -t 16

clean:                 ## remove the environment and what was built
	rm -rf $(VENV) build dist *.egg-info
