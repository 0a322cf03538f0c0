# Everything a newcomer needs: `make demo` and `make test` set up what they use.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: venv demo test soak lint audit bench pictures lock clean

venv: $(READY)

# --no-deps: the lock is complete, and what it leaves out must stay out (see CONTRIBUTING.md).
$(READY): requirements-cpu.lock pyproject.toml
	@echo 'setting up $(VENV): about 3 GB, some minutes, once'
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --no-deps -r requirements-cpu.lock || { echo "If torch+cpu was not found: see 'Install' in README.md"; exit 1; }
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)
	$(BIN)/reviewbatch run sentiment

test: $(READY)
	$(BIN)/python -m pytest

# The tests of every promise, at length: about an hour.
soak: $(READY)
	$(BIN)/python -m pytest tests/cli/soak --soak --timeout 7200

lint: $(READY) audit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy docs/pictures.py
	cd benchmarks && $(abspath $(BIN))/mypy --config-file ../pyproject.toml *.py

# What is known against the versions of the lock, or that nobody can be asked about them here.
audit: $(READY)
	@said=$$($(BIN)/pip-audit -r requirements-cpu.lock --no-deps --disable-pip --progress-spinner off --timeout 5 2>&1); status=$$?; \
	case "$$said" in \
	  *'Max retries exceeded'* | *'Could not connect'* | *'could not be audited: pip ('*) \
	    echo 'audit: no advisories can be had from here, so the lock was not held against them' ;; \
	  *) echo "$$said"; exit $$status ;; \
	esac

bench: $(READY)
	$(BIN)/python benchmarks/run_all.py $(INPUT)

pictures: $(READY)
	$(BIN)/python docs/pictures.py

# Resolved for the oldest Python; needs uv, and an index or a --find-links with torch's CPU build. `make lock UV_FLAGS=--upgrade`
# has the newest of each.
lock: export UV_CUSTOM_COMPILE_COMMAND = $(HOW)
lock:
	uv pip compile pyproject.toml --extra cpu --group dev --override overrides-cpu.txt --python-version 3.11 \
	  --python-platform x86_64-manylinux_2_28 $(UV_FLAGS) -o requirements-cpu.lock

define HOW
make lock
#
# for Python 3.11 on x86-64 Linux, out of what pyproject.toml asks for: its dependencies, the extra `cpu` and the group `dev`.
# A version is the newest one, at the time it was first chosen, that all allow who are named below it, under `via`.
# What overrides-cpu.txt names is left out, for the reasons that stand there. `make audit` looks for what is known against it.
endef

clean:
	rm -rf $(VENV) out build *.egg-info .mypy_cache .pytest_cache .ruff_cache
