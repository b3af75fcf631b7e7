# The course's commands; `make` alone lists them. Each sets up .venv by itself.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# JupyterLab refuses to start as root unless told (a container often is root).
ROOT_MAY := $(if $(filter 0,$(shell id -u)),--allow-root)
START := --LabApp.default_url=/lab/tree/00_start_here.ipynb
LAB_FLAGS ?=
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/sanitize.cfg --nbval-cell-timeout 120

.DEFAULT_GOAL := help
.PHONY: help lab author test notebooks site badges workshop versions

help:  ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

lab: $(VENV)/.learner  ## open the course in JupyterLab
	$(BIN)/jupyter lab $(ROOT_MAY) $(START) $(LAB_FLAGS) notebooks

author: $(VENV)/.author  ## JupyterLab that saves notebooks/ and lessons_src/ as pairs
	$(BIN)/jupyter lab $(ROOT_MAY) --config tools/author_config.py $(LAB_FLAGS)

test: $(VENV)/.author  ## run all tests
	$(BIN)/python -m pytest -q overwritten tests
	$(BIN)/python -m pytest -q $(NBVAL) notebooks

notebooks: $(VENV)/.author  ## build notebooks/ from lessons_src/
	$(BIN)/python tools/build_notebooks.py

site: $(VENV)/.site  ## build the course as static pages: site/_build/html/index.html
	$(BIN)/python tools/build_site.py

badges: $(VENV)/.author  ## stamp badges, set-up cells, README and start page from pyproject.toml
	$(BIN)/python tools/badges.py

workshop: $(VENV)/.author  ## fill in workshop/ from the lessons, draw and print the sheet
	$(BIN)/python tools/workshop.py

versions: $(VENV)/.author  ## run the package's tests on torch 2.6 and 2.15 (5 GB each, minutes)
	$(BIN)/python tools/versions.py

$(VENV)/.learner: requirements.txt pyproject.toml
	@$(PYTHON) tools/make_venv.py $(VENV) requirements.txt
	@touch $@

$(VENV)/.site: requirements-site.txt
	@$(PYTHON) tools/make_venv.py $(VENV) requirements-site.txt
	@touch $@

$(VENV)/.author: requirements-dev.txt requirements-site.txt requirements.txt pyproject.toml
	@$(PYTHON) tools/make_venv.py $(VENV) requirements-dev.txt
	@touch $@
