# Two commands matter: `make run` and `make test`. Everything they need is made on the way.
PYTHON ?= python3
BIN := .venv/bin
STUDIO_DATA ?= $(CURDIR)/var
STUDIO_MODELS ?= $(STUDIO_DATA)/models
export STUDIO_DATA STUDIO_MODELS

.PHONY: run test lint types bench chaos models voice frontend screenshots lock clean

run: $(BIN)/.installed frontend models
	@exec $(BIN)/python manage.py up

test: $(BIN)/.installed-dev frontend models
	$(BIN)/python -m pytest $(ARGS)

lint: $(BIN)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/lint-imports

types: $(BIN)/.installed-dev
	$(BIN)/mypy studio apps

bench: $(BIN)/.installed-dev models
	$(BIN)/python -m benchmarks.lipsync $(ARGS)

# Workers are killed and Redis is taken away while takes are made: about ten minutes on two cores.
JOBS ?= 25
KILLS ?= 50
chaos: $(BIN)/.installed-dev models
	$(BIN)/python -m benchmarks.chaos --jobs $(JOBS) --kills $(KILLS) $(ARGS)

screenshots: $(BIN)/.installed-dev frontend models
	$(BIN)/python -m tests.browser.shots $(ARGS)
	$(BIN)/python -m tests.browser.shots_money $(ARGS)

# Spoken text: a voice on this machine, and the SDK of a service. See docs/operations.md.
voice: $(BIN)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-voice.txt

models: $(BIN)/.installed
	@$(BIN)/python -m apps.inference.engine.model_files "$(STUDIO_MODELS)"

frontend: $(BIN)/.installed package-lock.json
	@$(BIN)/python -m studio.frontend_packages

# The pinned resolves. Run after a change of a .in file and commit both.
lock:
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --quiet --no-header --no-emit-index-url requirements.in -o requirements.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --quiet --no-header --no-emit-index-url requirements-onnx.in -o requirements-onnx.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --quiet --no-header --no-emit-index-url requirements-mcp.in -o requirements-mcp.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --quiet --no-header --no-emit-index-url requirements-remote.in -o requirements-remote.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --quiet --no-header --no-emit-index-url requirements-voice.in -o requirements-voice.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --quiet --no-header --no-emit-index-url requirements-dev.in -o requirements-dev.txt

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; this is " + sys.version.split()[0] + ". Name another: make run PYTHON=python3.12")'
	@echo "Making the virtual environment."
	@$(PYTHON) -m venv .venv

$(BIN)/.installed: requirements.txt | $(BIN)/python
	@echo "Installing the pinned requirements."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(BIN)/.installed-dev: requirements-dev.txt $(BIN)/.installed
	@echo "Installing the pinned requirements for tests."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

clean:
	rm -rf .venv node_modules staticfiles
