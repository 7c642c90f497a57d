# make results   everything the paper shows, from a clean clone
# make report    the same in one file for a browser, results/report.html
# make test      the tests
# make benchmark time and memory of what takes long, into results/benchmark
# make docs      write what is documented from its source (config/README.md)
# make real-sky  compare two observations of the same sky, for docs/real_sky.md
# make lock      solve envs/requirements.in anew into envs/requirements.lock
# make help      this text; `snakemake --list-rules` lists the rules
# make clean     forget results and logs; `make clean-all` the environment as well

# The Python of .venv: the newest of these that is there, or PYTHON=...
PYTHONS := 3.13 3.12 3.11
PYTHON ?= $(shell for version in $(PYTHONS); do \
	python$$version -c '' 2> /dev/null && echo python$$version && exit; done; echo python3)
BIN := .venv/bin
CORES ?= all
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: results report test benchmark check docs real-sky lock clean clean-all help

help:
	@sed -n '/^$$/q; s/^# //p' Makefile

.venv/.ready: envs/requirements.lock
	@found=$$($(PYTHON) --version 2>&1) || found="no Python"; \
	for version in $(PYTHONS); do case "$$found" in "Python $$version."*) exit;; esac; done; \
	echo "Error: Python $(lastword $(PYTHONS)) to $(firstword $(PYTHONS)) is required, found $$found; set PYTHON=..."; exit 1
	@echo "Setting up .venv with $$($(PYTHON) --version) (once, a few minutes)"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r envs/requirements.lock
	@touch $@

results: .venv/.ready
	@$(BIN)/snakemake --cores $(CORES) all
	@$(BIN)/python workflow/scripts/summarise.py results

report: .venv/.ready
	@$(BIN)/snakemake --cores $(CORES) all
	@$(BIN)/snakemake --report results/report.html --report-stylesheet workflow/report/style.css
	@echo "results/report.html holds every figure and table"

# A file of tests goes to one core as a whole, since its tests share what they made.
test: .venv/.ready
	@$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

benchmark: .venv/.ready
	@$(BIN)/snakemake --cores $(CORES) --forcerun benchmark_simulation benchmark_training -- benchmark
	@cat results/benchmark/simulation.csv results/benchmark/training.csv

check: .venv/.ready
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/snakefmt --check Snakefile workflow
	@$(BIN)/snakemake --lint

docs: .venv/.ready
	@PYTHONPATH=workflow/scripts $(BIN)/python workflow/scripts/write_documentation.py

# For every system and each of PYTHONS at once.
real-sky: .venv/.ready
	@PYTHONPATH=workflow/scripts $(BIN)/python docs/mock_looks.py
	@$(BIN)/snakemake --cores $(CORES) --configfile config/beta_and.yaml -- \
		results/fields/beta_and_2013/repeated/beta_and_2011/repeatability.png \
		results/fields/mock_1/repeated/mock_2/repeatability.png
	@PYTHONPATH=workflow/scripts $(BIN)/python workflow/scripts/write_real_sky.py

lock:
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version $(lastword $(PYTHONS)) --fork-strategy fewest \
		--upgrade --generate-hashes --custom-compile-command "make lock" \
		--output-file envs/requirements.lock envs/requirements.in

clean:
	@rm -rf results/* logs benchmarks .snakemake

clean-all: clean
	@rm -rf .venv
