"""Commands that are hard to end, and how tests wait for them and see what is left."""

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from windlass.adapters.processes import families

DEADLINE_SECONDS = 120.0

# Four processes that ignore SIGTERM: one alone, one in the same session, one in its own, one that nobody is parent of.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for number in range(3):
    if os.fork() == 0:
        if number:
            os.setsid()
        if number == 2 and os.fork():
            os._exit(0)
        break
os.write(1, f"pid {os.getpid()}{chr(10)}".encode())
while True:
    time.sleep(1)
"""


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for a fact."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pids(log: Path) -> list[int]:
    """The processes that have said `pid N` in a log."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [int(line.split()[1]) for line in lines if line.startswith("pid ")]


def alive(numbers: list[int]) -> list[int]:
    """Those of some processes that still run."""
    members = (families.member_of(pid) for pid in numbers)
    return [member.pid for member in members if member and not member.is_zombie]


def in_child(work: Callable[[], Sequence[str]]) -> list[str]:
    """The answer of some work in a fork, so that this process starts no thread; an error is an answer as well."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            answer = list(work())
        except BaseException as error:
            answer = [f"{type(error).__name__}: {error}"]
        with os.fdopen(writing, "w") as file:
            json.dump(answer, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    os.waitpid(child, 0)
    return list(json.loads(text))
