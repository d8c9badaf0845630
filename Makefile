# Everything runs in .venv; nothing else on the machine is touched.
PY     ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
DEV    := $(VENV)/.ready-dev
JOBS   ?= 2

.PHONY: run test lint check bench soak shots docs clean
.DEFAULT_GOAL := run

$(BIN)/python:
	$(PY) -m venv $(VENV)

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

test: lint             ## the whole suite, no network
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m 'not soak' $(ARGS)

soak: $(DEV)           ## long soaks and drills (tens of minutes)
	$(BIN)/python -m pytest -m soak -s $(ARGS)

bench: $(DEV)          ## benchmarks beside peers, as ratios
	$(BIN)/python -m bench $(ARGS)

shots: $(DEV)          ## screenshots/ from a seeded demo
	$(BIN)/python -m jackbot_tui.tui.shots screenshots

docs: $(DEV)           ## pages generated from code
	$(BIN)/python -m jackbot_tui.docgen docs

clean:
	rm -rf $(VENV) build dist *.egg-info
