# The course's commands; `make` alone lists them. Each sets up .venv by itself.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
COLAB := $(VENV)-colab
# What `make colab-exact` needs: Colab's own Python.
PYTHON_OF_COLAB ?= python3.13
# JupyterLab refuses to start as root unless told (a container often is root).
ROOT_MAY := $(if $(filter 0,$(shell id -u)),--allow-root)
START := --LabApp.default_url=/lab/tree/00_start_here.ipynb
LAB_FLAGS ?=
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/sanitize.cfg --nbval-cell-timeout 600 --nbval-kernel-startup-timeout 600
PYTEST := $(BIN)/python -m pytest -q -n 4 --dist loadscope $(NBVAL)

.DEFAULT_GOAL := help
.PHONY: help lab author check test test-all notebooks site colab colab-exact badges workshop atlas versions

help:  ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

lab: $(VENV)/.learner  ## open the course in JupyterLab
	$(BIN)/jupyter lab $(ROOT_MAY) $(START) $(LAB_FLAGS) notebooks/learn

author: $(VENV)/.author  ## JupyterLab that saves notebooks/ and lessons_src/ as pairs
	$(BIN)/jupyter lab $(ROOT_MAY) --config tools/author_config.py $(LAB_FLAGS)

test test-all: export OMP_NUM_THREADS = 1
test test-all: export OVERWRITTEN_ANSWERS = off
test test-all: export OVERWRITTEN_COLAB = $(abspath $(COLAB)/bin/python)
test: check $(COLAB)/.ready  ## run the gate: all but what is slow and seldom breaks
	$(PYTEST) -m "not slow" overwritten tests notebooks

test-all: check $(COLAB)/.ready  ## run all tests (about twice as long)
	$(PYTEST) overwritten tests notebooks

check: $(VENV)/.author  ## lint, layout and types, in seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/check_types.py

notebooks: $(VENV)/.author  ## build notebooks/ from lessons_src/
	$(BIN)/python tools/build_notebooks.py

site: $(VENV)/.site  ## build the course as static pages (needs npm): site/_build/html/index.html
	$(BIN)/python tools/build_site.py

colab: $(VENV)/.author $(COLAB)/.ready  ## run all lessons as Colab would, with our torch
	$(BIN)/python tools/colab.py $(COLAB)/bin/python

colab-exact: $(VENV)/.author $(COLAB)-exact/.ready  ## the same with Colab's torch and Python 3.13 (5 GB, minutes)
	$(BIN)/python tools/colab.py $(COLAB)-exact/bin/python

badges: $(VENV)/.author  ## stamp badges, set-up cells, README and start page from pyproject.toml
	$(BIN)/python tools/badges.py

atlas: export OMP_NUM_THREADS = 1
atlas: export PYTHONHASHSEED = 0
atlas: $(VENV)/.author  ## measure the op atlas anew on the installed torch (minutes)
	$(BIN)/python tools/atlas.py

workshop: $(VENV)/.author  ## fill in workshop/ from the lessons, draw and print the sheet
	$(BIN)/python tools/workshop.py

versions: export OMP_NUM_THREADS = 1
versions: $(VENV)/.author  ## measure claims and texts on torch 2.6 to 2.15, run the tests (5 to 8 GB each)
	$(BIN)/python tools/versions.py --tests

$(VENV)/.learner: requirements.txt pyproject.toml
	@$(PYTHON) tools/make_venv.py $(VENV) requirements.txt
	@touch $@

$(COLAB)/.ready: tests/colab_room/requirements.txt
	@$(PYTHON) tools/make_venv.py $(COLAB) $<
	@touch $@

$(COLAB)-exact/.ready: tests/colab_room/requirements-exact.txt
	@$(PYTHON_OF_COLAB) tools/make_venv.py $(COLAB)-exact $<
	@touch $@

$(VENV)/.site: requirements-site.txt requirements.txt pyproject.toml
	@$(PYTHON) tools/make_venv.py $(VENV) requirements-site.txt
	@touch $@ $(VENV)/.learner  # it holds what they need

$(VENV)/.author: requirements-dev.txt requirements-site.txt requirements.txt pyproject.toml
	@$(PYTHON) tools/make_venv.py $(VENV) requirements-dev.txt
	@touch $@ $(VENV)/.learner $(VENV)/.site  # it holds what they need
