"""The guard of one command: a small process between a job and the code of a user.

It starts the command in a session of its own, passes its output on to the log, watches its memory and its time, and
ends everything that came from it. The job talks to it by one line of JSON and then by keeping its standard input open:
the end of that stream, by a cancel or by the job's death, is the order to end. On Linux whatever the command orphans
becomes the guard's child (PR_SET_CHILD_SUBREAPER), so that leaving the session hides nothing. The rejected alternative,
signals to a process group, misses every process that calls setsid.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from windlass.adapters.processes import families
from windlass.adapters.processes.children import Child, start_child
from windlass.adapters.processes.logs import CappedLog

GRACE_SECONDS = 0.3  # enough to flush a file; an order to end holds within a second all the same
END_SECONDS_MAX = 5.0  # a process that even SIGKILL does not end hangs in the kernel; it is not waited for
SAMPLE_SECONDS = 0.2
_WAKE_SECONDS = 0.05
_LIFELINE = 0  # standard input: open as long as the job lives and wants the command
_PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Watched:
    """What the guard knows of its command; it is also its answer."""

    exit_code: int | None = None
    ended_for: str = ""  # memory, time, cancelled: why the guard ended it
    cannot_start: str = ""
    tail: str = ""
    peak_memory_bytes: int = 0
    seconds: float = 0.0
    log_failed: bool = False


def main() -> int:
    """Run the command that standard input names, and print how it ended as one line of JSON."""
    with open(_LIFELINE, "rb", buffering=0, closefd=False) as first:
        order = json.loads(first.readline())
    _adopt_orphans()
    asked_to_end: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked_to_end.append(number))
    watched = Watched()
    began = time.monotonic()
    log = CappedLog(order["log"], order["log_bytes_max"], order["hidden"])
    try:
        child = start_child(order, log)
    except OSError as error:
        watched.exit_code, watched.cannot_start = 127, error.strerror or str(error)
    else:
        _watch(child, order, log, watched, lambda: bool(asked_to_end))
    watched.tail = log.close()
    watched.log_failed = log.is_disk_full
    watched.seconds = time.monotonic() - began
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(asdict(watched)) + "\n")
        sys.stdout.flush()
    return 0


def _watch(
    child: Child, order: dict[str, Any], log: CappedLog, watched: Watched, asked_to_end: Callable[[], bool]
) -> None:
    output = child.output
    os.set_blocking(output, False)
    deadline = time.monotonic() + order["seconds_max"]
    sample_at = 0.0
    sources = [_LIFELINE, output]
    while not child.has_exited():
        ready = select.select(sources, [], [], _WAKE_SECONDS)[0]
        if output in ready and not _pass_on(output, log):
            sources.remove(output)
        if _LIFELINE in ready or asked_to_end():
            watched.ended_for = "cancelled"
            break
        if time.monotonic() >= deadline:
            watched.ended_for = "time"
            break
        if time.monotonic() >= sample_at:
            sample_at = time.monotonic() + SAMPLE_SECONDS
            if _holds_too_much(child, order["memory_bytes_max"], watched):
                watched.ended_for = "memory"
                break
    _end_family(child, log, watched)
    while _pass_on(output, log):
        continue
    os.close(output)
    watched.exit_code = child.exit_code


def _pass_on(output: int, log: CappedLog) -> bool:
    """Write what the command said to the log; False at the end of the output, or when nothing is there now."""
    try:
        data = os.read(output, 1 << 16)
    except BlockingIOError:
        return False
    log.write(data)
    return bool(data)


def _holds_too_much(child: Child, memory_bytes_max: int, watched: Watched) -> bool:
    members = families.family_of(child.root, group=child.pid)
    held = families.resident_bytes(members)
    watched.peak_memory_bytes = max(watched.peak_memory_bytes, held)
    return held > memory_bytes_max and families.shared_resident_bytes(members) > memory_bytes_max


def _end_family(child: Child, log: CappedLog, watched: Watched) -> None:
    """End whatever the command left: politely where the guard ends it, then by SIGKILL until nothing is left."""
    begin = time.monotonic()
    number = signal.SIGTERM if watched.ended_for in ("cancelled", "time") else signal.SIGKILL
    sent: set[int] = set()
    while time.monotonic() < begin + END_SECONDS_MAX:
        child.has_exited()
        members = families.family_of(child.root, group=child.pid)
        if not members:
            break
        if number == signal.SIGTERM and time.monotonic() > begin + GRACE_SECONDS:
            number = signal.SIGKILL
        new = [member for member in members if number == signal.SIGKILL or member.pid not in sent]
        families.kill(new, number)
        sent.update(member.pid for member in new)
        if not _pass_on(child.output, log):
            time.sleep(0.005)
    child.has_exited()


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
