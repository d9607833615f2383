"""Faults played to a running process by strace: the N-th call of a kind fails, or kills the process before it is done.

strace counts the calls of each thread on its own, so one fault of number N meets the N-th such call of every thread.
A short write cannot be played: strace can only let a call say that it wrote what it did not write, which no program can
notice. Disks that fill up (`tests/machine/spaces.py`) write short for real.
"""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Calls that an architecture lacks are passed over: that is what the question mark says.
CALLS = (
    *("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "connect"),
    *("rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat"),
)
EFFECTS = ("SIGKILL", "EIO", "ENOSPC")
# Nobody needs to hear of these: a temporary file that stays is removed by the next collection, a folder that is there
# need not be made, what SQLite tidies up as it closes it finds again when it opens, and a job that reaches no zygote
# starts its process the long way.
HARMLESS = re.compile(
    r'unlink\("[^"]*(#\d+|\.windlass-new)"|mkdir\("[^"]*\.tmp-\w+", 0777\)|(unlink|ftruncate)\(.*/facts\.db'
    r'|connect\(.*/z/\w+\.sock"'
)
ATTACHED = b" attached"
_LINE = re.compile(r"^(\d+) +(\w+)\(")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """`effect` is SIGKILL or the name of an error; it falls on the call of that number, counted from 1."""

    call: str
    number: int
    effect: str

    def __str__(self) -> str:
        return f"{self.effect} at {self.call} {self.number}"

    @property
    def option(self) -> str:
        """The fault as strace reads it."""
        kind = "signal" if self.effect == "SIGKILL" else "error"
        return f"inject={self.call}:{kind}={self.effect}:when={self.number}"


def program() -> str:
    """The path of strace, or a failure that says which package has it."""
    found = shutil.which("strace")
    assert found, "not run: install strace (apt-get install strace), or run `make test-machine` as root on Debian"
    return found


def attach(pid: int, record: Path, fault: Fault | None = None) -> "subprocess.Popen[bytes]":
    """Watch a process and its forks, and play it the fault; returns once every thread is watched. What another program
    takes over is let go."""
    injected = ("-e", fault.option) if fault else ()
    watched = ("-f", "-b", "execve", "-y", "-p", str(pid), "-e", f"trace=?{',?'.join(CALLS)}")
    argv = (program(), "-o", str(record), *injected, *watched)
    watching = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert watching.stderr is not None
    threads = len(os.listdir(f"/proc/{pid}/task"))
    said = b""
    while said.count(ATTACHED) == 0 or (said.count(b"threads") == 0 and threads > said.count(ATTACHED)):
        piece = os.read(watching.stderr.fileno(), 4096)
        assert piece, f"strace did not attach: {said.decode(errors='replace')}"
        said += piece
    return watching


def detach(watching: "subprocess.Popen[bytes]") -> None:
    """Let the process go on without strace, whether it still runs or not."""
    if watching.poll() is None:
        watching.terminate()
    watching.wait(20)
    if watching.stderr:
        watching.stderr.close()


def counted(record: Path) -> Counter[str]:
    """How many faults each kind of call can be given: the largest number of such calls in one thread."""
    by_thread: Counter[tuple[str, str]] = Counter()
    for line in record.read_text(errors="replace").splitlines():
        if found := _LINE.match(line):
            by_thread[found[1], found[2]] += 1
    most: Counter[str] = Counter()
    for (_, call), count in by_thread.items():
        most[call] = max(most[call], count)
    return most


def points(calls: Mapping[str, int]) -> list[Fault]:
    """Every fault that there is at so many calls of each kind."""
    return [
        Fault(call, number, effect)
        for call in CALLS
        for number in range(1, calls.get(call, 0) + 1)
        for effect in EFFECTS
    ]


def met(record: Path, fault: Fault) -> str:
    """The call that the fault fell on; empty where it fell on none."""
    lines = record.read_text(errors="replace").splitlines()
    if fault.effect == "SIGKILL":
        calls = [line for line in lines if f" {fault.call}(" in line]
        return calls[-1] if any("killed by SIGKILL" in line for line in lines) and calls else ""
    return next((line for line in lines if "(INJECTED)" in line), "")
