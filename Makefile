# Two commands from a fresh clone: `make run` and `make test`. Each sees to its own set-up.
PYTHON := .venv/bin/python

.PHONY: help run test openvino check format bench coverage docs licences release-check setup clean

help:
	@echo "make run            open Reticle on the sample project (without a screen: run the demo)"
	@echo "make test           run the tests"
	@echo "make openvino       install OpenVINO and test what is exported to it"
	@echo "make check          lint, format check, types, import contracts"
	@echo "make format         put imports and layout in order"
	@echo "make bench          run the benchmarks and print one table"
	@echo "make coverage       run the tests and print how much of the code they run"
	@echo "make docs           make the site of guide and API in build/docs"
	@echo "make licences       list the licences of all packages that Reticle needs"
	@echo "make release-check  tell whether what is checked out can be released"
	@echo "make clean          remove .venv and caches; projects are left alone"

run: setup
	@sh scripts/run

test: setup
	QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 $(PYTHON) -m pytest -m "not gpu and not slow and not data" -n 2 --dist worksteal

openvino: setup
	$(PYTHON) -m pip install --disable-pip-version-check --quiet --constraint constraints.txt openvino
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest tests/detcore/deploy/test_openvino.py

check: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m pyright
	.venv/bin/lint-imports --no-cache
	$(PYTHON) scripts/sizes.py

format: setup
	$(PYTHON) -m ruff check --fix-only --quiet .
	$(PYTHON) -m ruff format .

bench: setup
	QT_QPA_PLATFORM=offscreen $(PYTHON) -m tests.benchmarks

coverage: setup
	$(PYTHON) -m coverage erase
	QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 $(PYTHON) -m coverage run -m pytest -m "not gpu and not slow and not data" -n 2 --dist worksteal
	$(PYTHON) -m coverage combine --quiet
	$(PYTHON) -m coverage report

docs: setup
	$(PYTHON) scripts/docs.py

licences: setup
	@$(PYTHON) scripts/licences.py

release-check: setup
	$(PYTHON) scripts/release_check.py

setup:
	@sh scripts/setup

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks build *.egg-info
