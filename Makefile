# Every way into the project, one line each. `make setup` is quick when there is nothing to do.
PYTHON ?= python3
PY := .venv/bin/python

.PHONY: setup demo test fast check format bench plugin docs corpus train clean
.DEFAULT_GOAL := demo

setup: ; @$(PYTHON) tools/setup.py $(if $(ACCELERATOR),--accelerator $(ACCELERATOR))
demo: setup ; @mkdir -p out && .venv/bin/antiphon story examples/story_three_moods.toml -o out/demo.wav --picture out/demo.png
test: setup ; @$(PY) -m pytest
fast: setup ; @$(PY) -m pytest -m "not slow"
check: setup ; @$(PY) -m ruff format --check . && $(PY) -m ruff check . && $(PY) -m mypy && .venv/bin/lint-imports
format: setup ; @$(PY) -m ruff format . && $(PY) -m ruff check --fix .
bench: setup ; @.venv/bin/antiphon bench --seconds 60 --json
plugin: setup ; @$(PYTHON) tools/plugin.py
docs: setup ; @$(PY) -m bridge.docs && $(PY) -m pytest tests/gates/test_docs.py tests/gates/test_generated.py
corpus: setup ; @$(PY) -m training.corpus --hours $(or $(HOURS),1)
train: setup ; @bash training/runs/default.sh
clean: ; rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
