# Carrywell. `make demo` and `make test` do all the set-up they need.
#   make demo                  everything, with made-up people, at http://127.0.0.1:8000 (PORT=8001 for another port)
#   make test                  the tests (ARGS="-k offers" goes to pytest)
#   make check                 style, types, architecture, migrations, locks
#   make setup                 install only
#   make backup FILE=…         everything into one file; make restore FILE=… brings it back
#   make bench | sbom | locks | reset

PY ?= python3
V := .venv
BIN := $(V)/bin
ARGS ?= -n 2 --dist loadfile
# uv ignores PIP_CERT, and fails behind a proxy that inspects TLS unless it trusts the system's certificates.
export UV_SYSTEM_CERTS ?= true

.PHONY: demo test check setup bench sbom backup restore locks reset
.DEFAULT_GOAL := demo

$(V)/.base: locks/uv.txt locks/base.txt
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Carrywell needs Python 3.11 or newer: make PY=python3.11 ...")'
	@test -x $(BIN)/python || $(PY) -m venv $(V) || { \
		echo "The virtual environment could not be made. On Debian: apt-get install python3-venv"; rm -rf $(V); exit 1; }
	@echo "Installing what Carrywell needs ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r locks/uv.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r locks/base.txt
	@touch $@

$(V)/.dev: $(V)/.base locks/dev.txt
	@echo "Installing what the tests need ..."
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r locks/dev.txt
	@command -v chromium >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then \
			echo "Installing chromium for the browser tests ..."; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
		else \
			echo "There is no chromium: the browser tests will be skipped, by name. Install it: sudo apt-get install chromium"; \
		fi; }
	@touch $@

setup: $(V)/.dev

demo: $(V)/.base
	@exec $(BIN)/python -m logistics.config.devstack demo

test: $(V)/.dev
	@exec $(BIN)/python -m logistics.config.devstack test $(ARGS)

check: $(V)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	@# Only models and migration files are compared: no database is there to ask, and none is needed.
	CARRYWELL_ENV=test DATABASE_URL=postgresql://none@127.0.0.1:1/none PYTHONWARNINGS=ignore::RuntimeWarning \
		$(BIN)/python manage.py makemigrations --check --dry-run
	@! grep -n '://' locks/*.txt || { echo "A lock file names a registry. Make it anew: make locks"; exit 1; }

bench: $(V)/.dev
	@exec $(BIN)/python -m logistics.config.devstack run -- $(BIN)/python -m tests.bench $(BENCH)

sbom: $(V)/.dev
	$(BIN)/cyclonedx-py requirements locks/base.txt --output-reproducible --of JSON -o sbom.json

backup restore: $(V)/.base
	@test -n "$(FILE)" || { echo "Name the file: make $@ FILE=carrywell.backup"; exit 1; }
	@exec $(BIN)/python manage.py $@ "$(FILE)"

locks: $(V)/.base
	cd locks && for name in uv base dev; do \
		../$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
			$$name.in -o $$name.txt || exit 1; done

reset: $(V)/.base
	@exec $(BIN)/python -m logistics.config.devstack reset
