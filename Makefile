# Two commands for a fresh machine with Python, git and make:
#   make demo   install, and impute the bundled sample stack
#   make test   install what tests need, and run them all
# All goes into .venv; a second call installs nothing anew.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python that is new enough; name another with `make test PYTHON=…`.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	command -v $$p >/dev/null && $$p -c '$(NEW_ENOUGH)' && echo $$p && break; done)

BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt

# Qt, OpenGL and a virtual screen, by their Debian names.
SCREEN := xvfb libgl1 libgl1-mesa-dri libegl1 libopengl0 libxkbcommon-x11-0 libxcb-cursor0 \
	libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 \
	libxcb-xinerama0 libdbus-1-3 libfontconfig1

# Side by side, a file on one worker, so that what its tests share is made once. The files of the
# widgets come last; they are many and short, so that no worker waits long for the other.
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder

.PHONY: help demo test test-pyside6 lint types manifest docs screenshots benchmarks clean

help:
	@echo "make demo         install, and impute the bundled sample stack"
	@echo "make test         install what tests need, and run them all"
	@echo "make test-pyside6 those of the widgets' tests that hang on the Qt binding, on PySide6"
	@echo "make lint         ruff: rules and format"
	@echo "make types        mypy"
	@echo "make manifest     npe2's check of napari.yaml"
	@echo "make docs         build the pages of docs/ into site/; strict on links, and fetches nothing"
	@echo "make screenshots  draw the pictures of docs/images anew"
	@echo "make benchmarks   measure beside the alternatives"
	@echo "make clean        remove .venv and caches"

$(BIN)/uv:
	@if [ -z "$(PYTHON)" ]; then echo "napari-dualgland needs Python 3.11 or newer; there is" \
		"$$(python3 --version 2>&1 || echo none). Install one, or: make PYTHON=/path/to/python3" >&2; exit 1; fi
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo "$(PYTHON) is $$($(PYTHON) --version); 3.11 or newer is needed" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || .ci/system-packages python3-venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv

.venv/.demo: $(BIN)/uv pyproject.toml constraints.txt
	@echo "Installing; torch is large, the first time takes a while."
	$(INSTALL) --editable ".[all,demo]"
	@touch $@

.venv/.dev: $(BIN)/uv pyproject.toml constraints.txt
	@echo "Installing; torch is large, the first time takes a while."
	$(INSTALL) --editable ".[dev]"
	@touch $@

.venv/.screen: $(BIN)/uv .ci/system-packages
	.ci/system-packages $(SCREEN)
	@touch $@

demo: .venv/.demo
	$(BIN)/dualgland demo --out demo

test: .venv/.dev .venv/.screen
	$(PYTEST)

test-pyside6: .venv/.dev .venv/.screen
	QT_API=pyside6 $(PYTEST) -m binding tests/widgets

lint: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/.dev
	$(BIN)/mypy

manifest: .venv/.dev
	$(BIN)/npe2 validate src/napari_dualgland/napari.yaml

# It counts what is wrong as an error. MkDocs 2 is no way out yet: it has no plugins.
docs: .venv/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

screenshots: .venv/.dev .venv/.screen
	$(BIN)/python docs/screenshots.py

benchmarks: .venv/.dev
	$(BIN)/python benchmarks/impute.py

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build site
