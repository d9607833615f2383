"""Processes that outlive the one that starts them: gateway and model servers go on when the site agent is killed.

They are known by pid and start time together, so that a later process of the same pid is never taken for them.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from windlass.adapters.processes import families
from windlass.adapters.processes.families import Member
from windlass.kernel.errors import Unavailable

# Starts the command once the process between is gone, and says its pid.
_ORPHAN = """
import os, sys, time
between = os.getpid()
pid = os.fork()
if pid:
    print(pid, flush=True)
    os._exit(0)
os.setsid()
os.dup2(2, 1)
while os.getppid() == between:
    time.sleep(0.001)
os.execv(sys.argv[1], sys.argv[1:])
"""
POLL_SECONDS = 0.02
KILLED_SECONDS_MAX = 5.0  # a process that even SIGKILL does not end hangs in the kernel


@dataclass(frozen=True, slots=True)
class Detached:
    """One process, by pid and the start time that the system gives it."""

    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start: its output is appended to `log`; `descriptors` are passed on under the same numbers.

    `is_orphan` gives it no parent: Envoy ends itself when its parent does (PR_SET_PDEATHSIG).
    """

    argv: Sequence[str]
    folder: str
    env: Mapping[str, str]
    log: str
    descriptors: tuple[int, ...] = ()
    is_orphan: bool = False


def launch(order: Launch) -> Detached:
    """Start a process in a session of its own; its files are for its user alone.

    Raises:
        Unavailable: it cannot be started.
    """
    argv = (sys.executable, "-I", "-S", "-c", _ORPHAN, *order.argv) if order.is_orphan else order.argv
    try:
        with open(order.log, "ab") as log:
            process = subprocess.Popen(
                argv,
                cwd=order.folder,
                env=order.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if order.is_orphan else log,
                stderr=log,
                start_new_session=True,
                pass_fds=order.descriptors,
                umask=0o077,
            )
    except OSError as error:
        words = f"cannot start {order.argv[0]}: {error.strerror or error}"
        raise Unavailable(words, code="cannot-start", where=order.log) from error
    pid = process.pid
    if order.is_orphan:
        pid = int(process.communicate()[0])
    process.returncode = 0  # it stays when this object goes; `look_at` reaps it by its pid
    member = families.member_of(pid)
    return Detached(pid, member.started if member else "")


def look_at(process: Detached) -> Member | None:
    """The process, if it still runs. A child that has ended is reaped here."""
    member = families.member_of(process.pid)
    if member is not None and member.is_zombie:
        return member if _still_ends(process.pid) else None
    return member if member is not None and member.started == process.started else None


def kill(process: Detached) -> None:
    """End the process and everything below it at once, if it still runs."""
    member = look_at(process)
    if member:
        families.kill((member, *families.family_of(process.pid, process.pid)))


async def end(process: Detached, seconds_max: float) -> None:
    """Ask the process to end, wait for at most `seconds_max`, then kill it."""
    member = look_at(process)
    if member is None:
        return
    families.kill((member,), signal.SIGTERM)
    if await _has_gone(process, seconds_max):
        return
    kill(process)
    await _has_gone(process, KILLED_SECONDS_MAX)


def _still_ends(pid: int) -> bool:
    """Reap a child. Until its last thread has ended a process holds its files, although its first one is a zombie."""
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return _has_threads(pid)  # no child of ours: somebody else reaps it


def _has_threads(pid: int) -> bool:
    try:
        return len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


async def _has_gone(process: Detached, seconds_max: float) -> bool:
    for _ in range(max(1, round(seconds_max / POLL_SECONDS))):
        if look_at(process) is None:
            return True
        await asyncio.sleep(POLL_SECONDS)
    return look_at(process) is None
