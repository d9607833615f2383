"""Builds stand back behind what callers wait for."""

import os
import subprocess
import sys

from windlass.adapters.processes.priority import NICE

SCRIPT = "from windlass.adapters.processes.priority import step_aside; import os; step_aside(); print(os.nice(0))"


def test_a_process_that_steps_aside_is_nicer() -> None:
    """The priority of a build is lower than that of whoever started it."""
    said = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert min(19, os.nice(0) + NICE) == int(said.stdout)
