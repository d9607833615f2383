"""What the three commands share: one thread for numeric libraries, and endings that others can read."""

import os
import sys
import traceback
from typing import NoReturn

from windlass.kernel.errors import WindlassError

EXIT_ARGUMENTS = 2
EXIT_LOAD = 3
EXIT_PREDICT = 4

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def one_thread() -> None:
    """Let numeric libraries use one thread; must be called before numpy is imported. A service scales by replicas."""
    for name in _THREAD_VARIABLES:
        os.environ[name] = "1"


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
