# Each target is one command a person could type. All of them run again in seconds when nothing changed.
.PHONY: setup check test test-machine demo sim sim-year mutants deletions bless cover lock
pytest := .venv/bin/python -m pytest -q --hypothesis-profile=repeatable
# Most tests wait for real processes. A file stays with one worker, and files begin in the order of tests/conftest.py.
side_by_side := -n 3 --dist loadfile --no-loadscope-reorder
thinking := $(wildcard $(addprefix tests/,kernel maths facts delivery planner properties site/test_decide.py))

setup:
	@tools/setup

check: setup
	.venv/bin/ruff check && .venv/bin/ruff format --check
	.venv/bin/mypy src tests $(wildcard tools bench) && .venv/bin/lint-imports
	$(pytest) tests/repo

test: setup
	$(pytest) $(side_by_side) -m "not machine" --durations=5

test-machine: setup
	tools/machine strace util-linux openssh-server openssh-client
	$(pytest) -m "machine$(if $(filter all,$(WINDLASS_WALK)),, and not long)"

demo: setup
	.venv/bin/python -m tools.demo

bench-%: setup
	.venv/bin/python -m bench.$*

sim: setup
	.venv/bin/python -m tools.sim_seeds

sim-year: setup
	.venv/bin/python -m tools.sim_seeds --hours 8760 --quiet 7200 --write build/sim-year.json

mutants: setup
	.venv/bin/python -m tools.mutants

deletions: setup
	.venv/bin/python -m tools.mutants.deletions

bless: setup
	.venv/bin/python -m tools.bless

cover: setup
	$(pytest) $(side_by_side) $(thinking) --cov

lock: setup
	tools/lock
