"""Who runs here: each of our processes holds a lock file of its home for as long as it lives, with its pid in it."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from windlass.sdk.homes import Home


@dataclass(frozen=True, slots=True)
class Running:
    """One of our processes. `role` is supervisor, control or site."""

    role: str
    pid: int


def lock_path(home: Home, role: str) -> Path:
    """The file that the process of this role locks."""
    return {
        "supervisor": home.folder / "supervisor.lock",
        "control": home.control / "lock",
        "site": home.site / "lock",
    }[role]


def running(home: Home, role: str) -> Running | None:
    """The process that holds the role's lock now; None where nobody does.

    The kernel lets a lock go with its process, so a pid that was used again by somebody else is never taken for ours.
    """
    try:
        descriptor = os.open(lock_path(home, role), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        text = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        return Running(role, int(text)) if text.isdigit() else None
    finally:
        os.close(descriptor)
    return None
