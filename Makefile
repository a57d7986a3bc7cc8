# Everything a person does with this repository. `make` alone lists it.
# Arguments are passed on: make demo ARGS="--port 8090 --seconds 60", make test ARGS="-k status".
# -I keeps config/ off Python's own search path, where config/logging.py would hide the library's.

BOOTSTRAP := python3 -I config/bootstrap.py
PYTHON := .venv/bin/python
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help demo test check bench bench-faults pictures fix lock

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: ## the whole system on this machine, with simulated villages
	@$(BOOTSTRAP) demo
	@exec .venv/bin/bypunkt demo $(ARGS)

test: check ## everything: check, then all tests on the real broker, database and browser
	$(PYTHON) -m pytest -n 2 $(ARGS)

check: ## style, types, rooms, dependencies, dead code, spelling, pages, SQL, shape
	@$(BOOTSTRAP) dev
	@$(PYTHON) -m config.quality.check

bench: ## measure: events a second, latency, cost, size, growth (20 minutes; ARGS="--quick", "--only speed", "--keep", "--report")
	@$(BOOTSTRAP) dev
	@exec $(PYTHON) -m benchmarks $(ARGS)

bench-faults: ## the long fault tests, hours in all; prints its seed; ARGS="--seed N --minutes M --only NAME"
	@$(BOOTSTRAP) dev
	@exec $(PYTHON) -m benchmarks.faults $(ARGS)

pictures: ## a picture of every page into docs/pictures, and docs/pages.md that shows them
	@$(BOOTSTRAP) dev
	@exec $(PYTHON) -m tests.dashboard.pictures.take $(ARGS)

fix: ## what a tool can mend by itself: formatting, import order, spelling
	@$(BOOTSTRAP) dev
	.venv/bin/ruff format --quiet
	.venv/bin/ruff check --quiet --fix --exit-zero
	.venv/bin/codespell --write-changes || true

lock: ## write the lock files anew; ARGS=--upgrade takes newer versions
	@$(BOOTSTRAP) dev
	$(COMPILE) --extra demo --group install --output-file requirements.lock $(ARGS)
	$(COMPILE) --extra demo --group install --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock $(ARGS)
