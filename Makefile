# make results   everything the paper shows, from a clean clone
# make report    the same in one file for a browser, results/report.html
# make test      the tests
# make benchmark time and memory of what takes long, into results/benchmark
# make docs      write what is documented from its source (config/README.md)
# make lock      solve envs/requirements.in anew into envs/requirements.lock
# make help      this text; `snakemake --list-rules` lists the rules
# make clean     forget results and logs; `make clean-all` the environment as well

PYTHON ?= python3
BIN := .venv/bin
CORES ?= all
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: results report test test-unit test-workflow benchmark check docs lock clean clean-all help

help:
	@sed -n '/^$$/q; s/^# //p' Makefile

.venv/.ready: envs/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Error: Python 3.11 or later is needed, found $$($(PYTHON) --version); set PYTHON=..."; exit 1; }
	@echo "Setting up .venv (once, a few minutes)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r envs/requirements.lock
	@touch $@

results: .venv/.ready
	@$(BIN)/snakemake --cores $(CORES) all
	@$(BIN)/python workflow/scripts/summarise.py results

report: .venv/.ready
	@$(BIN)/snakemake --cores $(CORES) all
	@$(BIN)/snakemake --report results/report.html --report-stylesheet workflow/report/style.css
	@echo "results/report.html holds every figure and table"

# Two at a time, each on a core: modules by themselves, and whole workflows.
test: .venv/.ready
	@$(MAKE) --no-print-directory -j2 --output-sync=target test-unit test-workflow

test-unit test-workflow: .venv/.ready
	@$(BIN)/python -m pytest $(@:test-%=tests/%)

benchmark: .venv/.ready
	@$(BIN)/snakemake --cores $(CORES) --forcerun benchmark_simulation benchmark_training -- benchmark
	@cat results/benchmark/simulation.csv results/benchmark/training.csv

check: .venv/.ready
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/snakefmt --check Snakefile workflow
	@$(BIN)/snakemake --lint

docs: .venv/.ready
	@PYTHONPATH=workflow/scripts $(BIN)/python workflow/scripts/write_documentation.py

lock:
	@$(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet pip-tools
	@CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
		--no-emit-find-links --no-emit-trusted-host --no-emit-options \
		--output-file envs/requirements.lock envs/requirements.in

clean:
	@rm -rf results/* logs benchmarks .snakemake

clean-all: clean
	@rm -rf .venv
