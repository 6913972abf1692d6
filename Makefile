# Viewkeeper: what people type. Works from any path and needs no more than a POSIX shell, make and Python 3.11 to 3.13.
#   make run             everything on this machine, with a demo; Ctrl-C stops it   (DEMO=0  HOST=…  PORT=…)
#   make admin           the first administrator of an installation without the demo
#   make manage ARGS=…   a management command on the database of `make run`
#   make test            all checks and tests, the browser journey included
#   make bench-vision    the picture engine measured on labelled pictures (ARGS="--labels …")
#   make bench soak mutants lock messages clean
# PYTHON=… chooses the Python that .venv is made with.

.POSIX:
.SUFFIXES:
.PHONY: run admin manage test bench bench-vision soak mutants lock messages clean

PYTHON ?=
ARGS ?=
VENV = PYTHON="$(PYTHON)" sh deploy/venv.sh
PY = .venv/bin/python
QUICKSTART = $(PY) -m monitor.quickstart

run:
	@$(VENV) run && QUICKSTART_ENDS_WITH_PARENT=1 exec $(QUICKSTART)

admin:
	@$(VENV) run && exec $(QUICKSTART) manage createsuperuser

manage:
	@$(VENV) run && exec $(QUICKSTART) manage $(ARGS)

test:
	@$(VENV) dev && exec sh deploy/test.sh

bench:
	@$(VENV) run && exec $(PY) manage.py bench $(ARGS)

bench-vision:
	@$(VENV) run && exec $(PY) -m monitor.benching.vision $(ARGS)

soak:
	@$(VENV) run && exec $(PY) manage.py soak $(ARGS)

mutants:
	@$(VENV) dev && exec $(PY) -m tests.mutants $(ARGS)

messages:
	@$(VENV) dev && exec $(PY) -m tests.messages $(ARGS)

# The hashed requirement files out of pyproject.toml; UPGRADE=1 takes the newest releases, else what is locked stays.
lock:
	@$(VENV) dev && exec sh deploy/lock.sh $(UPGRADE)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
