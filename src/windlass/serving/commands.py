"""What the commands share: how numeric libraries are to behave, and endings that others can read."""

import os
import sys
import traceback
from typing import NoReturn

from windlass.kernel.errors import CLIP_CHARACTERS, WindlassError

EXIT_ARGUMENTS = 2
EXIT_LOAD = 3
EXIT_PREDICT = 4

_CAUSE_CHARACTERS_MIN = 20  # enough to recognise the cause beside the note on it

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
    if error.__cause__ is not None:
        traceback.print_exception(error.__cause__, file=sys.stderr)
    sys.stderr.write(_last_line(error) + "\n")
    raise SystemExit(status)


def _last_line(error: WindlassError) -> str:
    """The error, its cause, and the notes on the cause, which say what to do.

    Whoever shows this line clips it, so before a note the cause's own words are cut: the traceback has them whole.
    """
    cause, words = error.__cause__, str(error)
    own = "" if cause is None or isinstance(cause, ImportError) or str(cause) in words else f": {cause}"
    notes = "".join(f"; {note}" for note in getattr(cause, "__notes__", ()))
    room = max(CLIP_CHARACTERS - len(words) - len(notes), _CAUSE_CHARACTERS_MIN)
    if notes and len(own) > room:
        own = f"{own[: room - 1]}…"
    return " ".join(f"{words}{own}{notes}".split())
