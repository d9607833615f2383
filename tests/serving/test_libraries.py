"""Numeric libraries behave as a model server needs them to, whatever the account's variables say."""

import os
import subprocess
import sys

CODE = """
import os
from windlass.serving.commands import settle_libraries
settle_libraries()
import numpy, onnxruntime, pyarrow
print(len(os.listdir("/proc/self/task")), os.environ["ORT_DISABLE_TELEMETRY"])
"""


def test_libraries_start_no_threads_and_report_to_nobody() -> None:
    """After they are settled numpy, Arrow and onnxruntime run on the one thread that imports them, and the last sends
    nothing to its makers."""
    env = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4"}
    ended = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, timeout=60)
    assert ("1 1\n", "") == (ended.stdout, ended.stderr)
