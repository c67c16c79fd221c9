# make demo and make test do all the set-up on a fresh machine with Python 3.11 or newer.
VENV ?= .venv
SITE_VENV ?= .venv-docs
LOCK_VENV ?= .venv-lock
INSTALL_VENV ?= .venv-install
LOCK ?= requirements.lock
PYTHON ?= python3
CONFIG ?= config/demo.yaml
CORES ?= all
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# CONFIG='a.yaml b.yaml data_folder=images' names files, each of which overrides those before it, and single keys.
COMMAND := $(BIN)/python -m unpoison
OF_CORES := $(if $(filter-out all,$(CORES)),--cores $(CORES))
# The other checkout that made VENV, if there is one: nothing is installed into its environment.
BORROWED := $(shell [ ! -x $(BIN)/python ] || $(BIN)/python envs/owner.py)

# Configs and file names are UTF-8 in any locale.
export PYTHONUTF8 := 1

.PHONY: demo estimate status partial report test test-hard test-cluster test-install lint bench bench-full bench-scan bench-methods bench-passes gpu docs lock licences setup

demo: $(READY)  ## run the whole workflow on CONFIG and say where the results are
	$(COMMAND) run $(CONFIG) $(OF_CORES)

status: $(READY)  ## list the cells of CONFIG that are done, failed and left, with reasons
	@$(COMMAND) status $(CONFIG)

partial: $(READY)  ## make tables, figures and report of the finished cells of CONFIG; runs no job
	@$(COMMAND) partial $(CONFIG)

estimate: $(READY)  ## estimate the jobs, core-hours, GPU-hours and gigabytes of a run of CONFIG
	@$(COMMAND) estimate $(CONFIG)

report: $(READY)  ## update <results>/report.html of CONFIG and everything that it needs
	$(COMMAND) report $(CONFIG) $(OF_CORES)

test: lint  ## lint, types and all tests, on all cores
	$(BIN)/python -m pytest -n logical --dist worksteal

test-hard: $(READY)  ## the same tests with hundreds of cases: kills, damage, bad configs
	$(BIN)/python -m pytest -m hard

test-cluster: $(READY)  ## run a study on a SLURM that the test starts; needs root and Debian's packages
	$(BIN)/python -c 'import snakemake_executor_plugin_slurm' 2>/dev/null || { $(if $(BORROWED),exit 1;) $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,cluster]'; }
	$(BIN)/python -m pytest -m cluster tests/cluster -rP --durations=0

# The Linux wheels of torch need the CUDA libraries, even on a machine without a GPU.
test-install:  ## install by requirements.lock into a new environment and plan the demo there; downloads 3 GB
	$(PYTHON) -m venv --clear $(INSTALL_VENV)
	$(INSTALL_VENV)/bin/python -m pip install --quiet --require-hashes --requirement $(LOCK)
	$(INSTALL_VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation .
	folder=$$(mktemp -d) && cp config/demo.yaml $$folder && bin=$$(cd $(INSTALL_VENV)/bin && pwd) && cd $$folder && $$bin/unpoison --version && $$bin/unpoison run demo.yaml -- --dry-run --quiet rules

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/mypy

bench: $(READY)  ## measure speed and memory against a plain loop, the machine and bare Snakemake: 30 minutes on two cores
	$(BIN)/python -m benchmarks

bench-full: $(READY)  ## the same with a dry run of 100,000 jobs
	$(BIN)/python -m benchmarks --full

bench-scan: $(READY)  ## measure the memory of a scan of 200,000 images; FOLDER takes 5 GB
	$(BIN)/python -m benchmarks.large_scan $(or $(FOLDER),$(error say FOLDER=, which takes 5 GB))

bench-methods: $(READY)  ## measure each method of CONFIG alone, one after another; needs an idle machine
	$(BIN)/python -m benchmarks.methods $(CONFIG)

bench-passes: $(READY)  ## measure the cost of each kind of pass, for the weights of weighted_passes: 3 minutes
	$(BIN)/python -m benchmarks.passes

docs: $(SITE_VENV)/.ready  ## build the docs site in site/, with all links checked; the first time downloads 30 MB
	NO_MKDOCS_2_WARNING=1 $(SITE_VENV)/bin/python -m mkdocs build --strict
	@echo 'Open site/index.html in a browser'

# The extra `docs` without the project: mkdocstrings reads source text and needs no torch.
$(SITE_VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(SITE_VENV)
	$(SITE_VENV)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")' >$(SITE_VENV)/docs.txt
	$(SITE_VENV)/bin/python -m pip install --quiet --constraint constraints.txt --requirement $(SITE_VENV)/docs.txt
	touch $@

lock: $(LOCK_VENV)/.ready  ## rebuild requirements.lock: the pins that the package needs, with the hashes of their files on PyPI
	$(LOCK_VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --constraints constraints.txt --generate-hashes --no-annotate --custom-compile-command 'make lock' --output-file requirements.lock pyproject.toml

licences: $(READY)  ## rebuild docs/licences.md: the licence of each package of requirements.lock
	$(BIN)/python envs/licences.py >docs/licences.md.new
	mv docs/licences.md.new docs/licences.md

# The extra `lock` without the project: uv reads metadata, and does not download torch.
$(LOCK_VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(LOCK_VENV)
	$(LOCK_VENV)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["lock"], sep="\n")' >$(LOCK_VENV)/lock.txt
	$(LOCK_VENV)/bin/python -m pip install --quiet --constraint constraints.txt --requirement $(LOCK_VENV)/lock.txt
	touch $@

gpu: $(READY)  ## measure a CUDA GPU in ten minutes; FOLDER holds CIFAR-10 as Parquet files, for cells of the studies
	@$(BIN)/python -m benchmarks.gpu $(if $(FOLDER),--data '$(FOLDER)')

setup: $(READY)  ## make the environment in VENV, from the pins in constraints.txt

ifeq ($(BORROWED),)
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "error: Python 3.11 or newer is needed, found " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
else
$(READY):
endif
