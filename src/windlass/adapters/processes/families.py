"""Which processes belong together, and how much memory they hold.

Linux tells it in `/proc`; elsewhere `ps` does, without the marks in a process's environment. Neither needs a library.
A family is everything below one process; a mark in the environment also finds those that were adopted by somebody else.
"""

import os
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

_PROC = "/proc"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
HAS_PROC = os.path.exists(f"{_PROC}/self/stat")


@dataclass(frozen=True, slots=True)
class Member:
    """One process. `started` tells it from a later one of the same pid; a zombie has ended and holds nothing."""

    pid: int
    parent: int
    group: int
    started: str
    is_zombie: bool
    resident_bytes: int


def everyone() -> dict[int, Member]:
    """Every process of the machine that can be seen, by pid."""
    if not HAS_PROC:
        return _everyone_by_ps()
    members = (member_of(int(name)) for name in os.listdir(_PROC) if name.isdigit())
    return {member.pid: member for member in members if member}


def member_of(pid: int) -> Member | None:
    """The process of this pid, or None where there is none."""
    if not HAS_PROC:
        return _everyone_by_ps().get(pid)
    try:
        with open(f"{_PROC}/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    fields = text[text.rfind(b")") + 2 :].split()  # the name before may hold blanks and brackets
    return Member(
        pid=pid,
        parent=int(fields[1]),
        group=int(fields[2]),
        started=f"{_boot()}/{fields[19].decode()}",
        is_zombie=fields[0] in (b"Z", b"X"),
        resident_bytes=int(fields[21]) * _PAGE_BYTES,
    )


def family_of(root: int, group: int = 0) -> tuple[Member, ...]:
    """Everything below the process `root`, and everything in the process group `group`; zombies are left out."""
    members = everyone()
    children: dict[int, list[int]] = {}
    for member in members.values():
        children.setdefault(member.parent, []).append(member.pid)
    found = {pid for pid, member in members.items() if group and member.group == group}
    waiting = [root, *found]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    found.discard(root)
    return tuple(members[pid] for pid in sorted(found) if not members[pid].is_zombie)


def marked(mark: str) -> tuple[Member, ...]:
    """Every running process whose environment holds `mark` (`NAME=value`), whoever adopted it."""
    if not HAS_PROC:
        return ()
    found = (member for pid, member in sorted(everyone().items()) if pid != os.getpid() and _has_mark(pid, mark))
    return tuple(member for member in found if not member.is_zombie)


def command_lines() -> tuple[bytes, ...]:
    """How every process of the machine was started: its arguments, as far as they may be seen."""
    if not HAS_PROC:
        return _command_lines_by_ps()
    return tuple(_command_line(name) for name in os.listdir(_PROC) if name.isdigit())


def resident_bytes(members: Iterable[Member]) -> int:
    """The memory that these processes hold; pages that they share are counted once for each."""
    return sum(member.resident_bytes for member in members)


def shared_resident_bytes(members: Iterable[Member]) -> int:
    """The same with shared pages counted once in all: exact, and slow enough to be asked only when it matters."""
    return sum(_proportional_bytes(member) for member in members)


def kill(members: Iterable[Member], number: int = signal.SIGKILL) -> None:
    """Send a signal to each; those that are gone, or became somebody else's, are passed over."""
    for member in members:
        try:
            os.kill(member.pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def machine_memory_bytes() -> int:
    """The memory that may be used at all: the machine's, or less where a control group says so."""
    total = os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path, encoding="ascii") as file:
                text = file.read().strip()
        except OSError:
            continue
        if text.isdigit():
            total = min(total, int(text))
    return total


def _command_line(pid: str) -> bytes:
    try:
        with open(f"{_PROC}/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _command_lines_by_ps() -> tuple[bytes, ...]:
    with subprocess.Popen(["ps", "-axww", "-o", "command="], stdout=subprocess.PIPE) as listing:
        return tuple(listing.communicate()[0].splitlines())


def _has_mark(pid: int, mark: str) -> bool:
    try:
        with open(f"{_PROC}/{pid}/environ", "rb") as file:
            return mark.encode() in file.read().split(b"\0")
    except OSError:
        return False


def _proportional_bytes(member: Member) -> int:
    try:
        with open(f"{_PROC}/{member.pid}/smaps_rollup", "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return member.resident_bytes
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:"))


@cache
def _boot() -> str:
    """Start times are counted from the boot, so a boot's own id belongs to them."""
    try:
        with open(f"{_PROC}/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _everyone_by_ps() -> dict[int, Member]:
    command = ["ps", "-axo", "pid=,ppid=,pgid=,stat=,rss=,lstart="]
    members = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listing:
        lines = listing.communicate()[0].splitlines()
    for line in lines:
        pid, parent, group, state, kilobytes, started = line.split(None, 5)
        zombie = state.startswith("Z")
        members[int(pid)] = Member(int(pid), int(parent), int(group), started, zombie, int(kilobytes) * 1024)
    members.pop(listing.pid, None)  # it has ended, and would be seen as a member of its asker's family
    return members
