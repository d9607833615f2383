"""A small supervisor: it restarts the control plane and the site agent with back-off, and knows nothing else.

Both run in sessions of their own and go on if the supervisor dies. Each holds a lock of its home, so a second
supervisor's children end at once with HELD, and it waits until the lock is free: it adopts without knowing any pid.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from types import FrameType

from windlass.main.processes import HELD, hold
from windlass.sdk.homes import Home

LOOK_SECONDS = 0.2
BACK_OFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)  # the ceiling is short: a site without its agent restarts nothing
STEADY_SECONDS = 30.0  # a process that lived so long starts again at once


@dataclass(slots=True)
class Child:
    """One role: its process, and when it may start again."""

    role: str
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    next_at: float = 0.0
    failures: int = 0


def supervise(home: Home) -> int:
    """Keep both roles running until SIGTERM; then end them, control plane first. Gateway and replicas go on."""
    lock = hold(home.folder / "supervisor.lock")
    if lock is None:
        return HELD
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    children = [Child("control"), Child("site")]
    while not stopping:
        for child in children:
            _look(home, child)
        time.sleep(LOOK_SECONDS)
    for child in children:
        _end(child)
    return 0


def _look(home: Home, child: Child) -> None:
    now = time.monotonic()
    if child.process is not None and child.process.poll() is not None:
        _ended(child, child.process.returncode, now)
    if child.process is None and now >= child.next_at and _ready(home, child.role):
        child.began = now
        try:
            child.process = _start(home, child.role)
        except OSError as error:
            _say(f"{child.role} cannot be started: {error}; it is tried again")
            _ended(child, 1, now)


def _ready(home: Home, role: str) -> bool:
    """The site needs the public key that the control plane makes with the home."""
    return role == "control" or (home.site / "public.key").exists()


def _ended(child: Child, code: int, now: float) -> None:
    child.process = None
    if code == HELD:
        child.next_at = now + 1.0
        return
    child.failures = 0 if now - child.began > STEADY_SECONDS else child.failures + 1
    child.next_at = now + BACK_OFF_SECONDS[min(child.failures, len(BACK_OFF_SECONDS) - 1)]


def _say(words: str) -> None:
    """One line in our log, unless its disk is full."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"windlass supervisor: {words}\n")
        sys.stderr.flush()


def _start(home: Home, role: str) -> subprocess.Popen[bytes]:
    folder = home.control if role == "control" else home.site
    with open(folder / f"{role}.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "windlass.main", role, "--home", str(home.folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )


def _end(child: Child) -> None:
    if child.process is None or child.process.poll() is not None:
        return
    child.process.terminate()
    try:
        child.process.wait(10.0)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
