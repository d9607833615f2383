"""`python -m windlass.main`: the same as `windlass`."""

from windlass.main import run

run()
