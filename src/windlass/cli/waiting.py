"""Waiting for what other processes do: looks at intervals, deadlines, the last word of a log."""

import time
from collections.abc import Callable
from pathlib import Path

from windlass.cli.talk import harmless

LOOK_SECONDS = 0.1
_TAIL_BYTES = 4096


def wait_until(there: Callable[[], bool], seconds: float, meanwhile: Callable[[], None] = lambda: None) -> bool:
    """Look until `there` says yes; False where it did not within the time."""
    deadline = time.monotonic() + seconds
    while not there():
        if time.monotonic() > deadline:
            return False
        meanwhile()
        time.sleep(LOOK_SECONDS)
    return True


def last_line(path: Path) -> str:
    """The last line of a log that says something, harmless to print."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return f"nothing was written to {path}"
    return harmless(next((line.strip() for line in reversed(lines) if line.strip()), f"{path} is empty"))
