# fastres: `make help` lists the targets. The only requirements are Python (3.11 or newer) and make.

PYTHON ?= python3
PROFILE ?= smoke
# Replacements for CIFAR-10 (folder:PATH) and for fp32 (bf16, tf32). Empty: as in the profile.
DATASET ?=
PRECISION ?=
DEVICE ?= auto
# Options for pip. Without a GPU, the CPU wheel of torch: PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
PIP_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OPTIONS := $(if $(DATASET),--dataset "$(DATASET)") $(if $(PRECISION),--precision $(PRECISION)) --device $(DEVICE)

.DEFAULT_GOAL := help
.PHONY: help setup reproduce plan report test faults bench gpu-check lab format notebooks readme lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo
	@echo "  variables: PROFILE=smoke|quick|paper|extended|recoded|beyond  DATASET=folder:PATH  PRECISION=fp32|tf32|bf16"
	@echo "             DEVICE=auto|cpu|cuda|mps  PYTHON=python3  PIP_ARGS=..."

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "fastres needs Python 3.11 or newer; this is $$($(PYTHON) --version). Name another: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	@echo "Installing into $(VENV): about 6 GB, most of it CUDA; without a GPU, PIP_ARGS selects a smaller wheel (README)"
	PIP_USER=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c requirements.lock -e ".[dev]"
	@touch $@

setup: $(READY) ## create .venv (every target does when it is missing or older than the lock)

reproduce: $(READY) ## train what is missing, execute all notebooks, write outputs/report/index.html
	$(BIN)/python -m fastres reproduce --profile $(PROFILE) $(OPTIONS)

plan: $(READY) ## list the runs of PROFILE, with time and disk space on this machine
	$(BIN)/python -m fastres plan --profile $(PROFILE) $(OPTIONS)

report: $(READY) ## rebuild the report from the executed notebooks
	$(BIN)/python -m fastres report

test: $(READY) ## lint, types, unit tests, and every notebook against its committed outputs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n logical --maxprocesses 8 --dist loadfile

faults: $(READY) ## inject faults (killed processes, damaged files, full disk); print what was lost (minutes)
	$(BIN)/python tests/faults/campaign.py

bench: $(READY) ## time the training loop against the usual one, and its start-up (minutes; use an idle machine)
	$(BIN)/python benchmarks/training_loop.py
	$(BIN)/python benchmarks/start_up.py

gpu-check: $(READY) ## the first check on a GPU: its tests, the benchmark, timings; one archive of records (docs/gpu.md)
	$(BIN)/python benchmarks/gpu_check.py $(if $(DATASET),--dataset "$(DATASET)")

lab: $(READY) ## open the notebooks in JupyterLab, the overview first
	$(BIN)/jupyter lab $(LAB) notebooks/00_overview.ipynb

format: $(READY) ## format and lint Python and notebooks
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

notebooks: $(READY) ## execute the committed notebooks in place with their defaults (after a change)
	FASTRES_OUTPUTS=$$(mktemp -d) FASTRES_RECORDED_ONLY=1 $(BIN)/jupyter nbconvert --to notebook --execute --inplace \
	  --ExecutePreprocessor.record_timing=False --ExecutePreprocessor.kernel_name=python3 $(or $(NOTEBOOK),notebooks/*.ipynb)

readme: $(READY) ## regenerate the READMEs and docs/cluster.md from the committed records
	$(BIN)/python -c "from fastres.views.readme import update; update()"
	$(BIN)/python -c "from fastres.reproduce.worked_plan import update; update()"

lock: ## regenerate requirements.lock from pyproject.toml (needs uv)
	{ head -n 1 requirements.lock; uv pip compile --quiet --universal --python-version 3.11 --all-extras \
	  --no-annotate --no-header -c $(or $(PINS),requirements.lock) pyproject.toml; } > requirements.lock.new
	mv requirements.lock.new requirements.lock

clean: ## remove .venv and caches; outputs/ and data/ stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
