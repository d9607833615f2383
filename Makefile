# Each target is one command a person could type. All of them run again in seconds when nothing changed.
.PHONY: setup check test test-machine demo sim bless cover lock
pytest := .venv/bin/python -m pytest -q --hypothesis-profile=repeatable

setup:
	@tools/setup

check: setup
	.venv/bin/ruff check && .venv/bin/ruff format --check
	.venv/bin/mypy src tests $(wildcard tools bench) && .venv/bin/lint-imports
	$(pytest) tests/repo

test: setup
	$(pytest) -m "not machine" --ignore=tests/end_to_end --durations=5
	$(if $(wildcard tests/end_to_end),$(pytest) -m "not machine" tests/end_to_end --durations=5)

test-machine: setup
	tools/machine strace util-linux openssh-server openssh-client
	$(pytest) -m machine

demo: setup
	.venv/bin/python -m tools.demo

bench-%: setup
	.venv/bin/python -m bench.$*

sim: setup
	.venv/bin/python -m tools.sim_seeds

bless: setup
	.venv/bin/python -m tools.bless

cover: setup
	$(pytest) -m "not machine" --ignore=tests/end_to_end --cov

lock: setup
	tools/lock
