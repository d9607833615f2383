"""What the commands share: how numeric libraries are to behave, and endings that others can read."""

import os
import sys
import traceback
from typing import NoReturn

from windlass.kernel.errors import WindlassError

EXIT_ARGUMENTS = 2
EXIT_LOAD = 3
EXIT_PREDICT = 4

_THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")
# A service scales by replicas, so a library uses one thread. Arrow's allocator would start one of its own, and a
# process that has one cannot fork safely; onnxruntime would send reports about its use to its makers.
LIBRARY_VARIABLES = {
    **{f"{name}_NUM_THREADS": "1" for name in _THREADS},
    "VECLIB_MAXIMUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "ORT_DISABLE_TELEMETRY": "1",
}


def settle_libraries() -> None:
    """Tell numeric libraries how to behave; must be called before numpy is imported."""
    os.environ.update(LIBRARY_VARIABLES)


def give_up(error: WindlassError, status: int) -> NoReturn:
    """End the process; the last line of stderr says why, a traceback of the model's own error stands above it."""
    cause = error.__cause__
    if cause is not None:
        traceback.print_exception(cause, file=sys.stderr)
    words = str(error)
    if cause is not None and not isinstance(cause, ImportError) and str(cause) not in words:
        words += f": {cause}"
    sys.stderr.write(" ".join(words.split()) + "\n")
    raise SystemExit(status)
