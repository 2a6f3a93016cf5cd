# Every target sets up what it needs first; on a clean clone any of them may be the first command.
#   make demo              the workbench on a generated scan (HEADLESS=1: on a virtual screen, leaves demo-output/)
#   make demo-study        a study reviewed by a script, its window killed twice on the way (leaves demo-study/)
#   make test              everything CI checks: lint, types, contracts, and all tests in two lanes: core and screens
#   make unit ARGS="-k nifti -x"    pytest with arguments of your own
#   make hazards           a line per hazard: what was measured, holds or falls short (SCALE=ci: the quick one)
#   make bench ARGS="--quick"       every target of speed and memory beside its peer
#   make experiments                recipes, networks and samplers on generated patients; one JSON line at the end
#   make peers                      other people's readers and viewers judge our exports

.PHONY: help system venv demo demo-study bench test lint types contracts unit core screens test-pyqt6 experiments peers hazards format clean
.NOTPARALLEL:

python := .venv/bin/python
pyqt6  := .venv-pyqt6/bin/python
# Real scans cost minutes and try nothing of the binding that generated ones do not.
on_pyqt6 := not slow and not gpu and not peers and not realdata
export HEADLESS

help:
	@sed -n 's/^#  //p' Makefile

system:
	@sh scripts/setup.sh system

venv:
	@sh scripts/setup.sh venv

demo: system venv
	@$(python) scripts/headless.py $(python) -m napari_lesionseg.demo $(ARGS)

demo-study: system venv
	@$(python) scripts/headless.py $(python) -m napari_lesionseg.demo --study $(ARGS)

# Tests never open a window on the screen one works at, unless asked to: make unit HEADLESS=0
bench test unit core screens test-pyqt6 peers hazards: HEADLESS := $(or $(HEADLESS),1)

test: system lint types contracts
	@sh scripts/setup.sh pyqt6
	@$(python) scripts/lanes.py "$(MAKE) core" "$(MAKE) screens"

core: system venv
	$(python) scripts/headless.py $(python) -m pytest --ignore=tests/widgets

screens: system venv
	$(python) scripts/headless.py $(python) -m pytest tests/widgets --timeout-method=thread
	@$(MAKE) test-pyqt6

lint: venv
	$(python) -m ruff check
	$(python) -m ruff format --check

types: venv
	$(python) -m mypy

contracts: venv
	.venv/bin/lint-imports --no-logo

unit: system venv
	$(python) scripts/headless.py $(python) -m pytest $(ARGS)

test-pyqt6: system venv
	@sh scripts/setup.sh pyqt6
	QT_API=pyqt6 $(python) scripts/headless.py $(pyqt6) -m pytest tests/widgets --timeout-method=thread -m "$(on_pyqt6)" $(ARGS)

bench: system venv
	@$(python) scripts/headless.py $(python) benchmarks/run.py $(or $(ARGS),--write)

experiments: venv
	@$(python) benchmarks/experiments/phantom.py $(ARGS)

peers: system venv
	@$(python) scripts/headless.py $(python) scripts/peers.py $(ARGS)

hazards: system venv
	@$(python) scripts/headless.py $(python) scripts/hazards.py --scale $(or $(SCALE),full) $(ARGS)

format: venv
	$(python) -m ruff check --fix
	$(python) -m ruff format

clean:
	rm -rf .venv .venv-pyqt6 .venv-nnunet tests/peers/js/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis demo-output demo-study experiments-output peers-output
