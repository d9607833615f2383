"""Walks faults over a life: `python -m tests.machine.faults.walk LIFE [--sample 40] [--seed 1]` prints JSON.

Each point is a life in a process of its own under strace, then a second one without, which must take up what the first
left and keep every promise. The processes are forked from this one, which has imported everything and starts no thread,
so that a point takes a fraction of a second.
"""

import argparse
import asyncio
import contextlib
import ctypes
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.adapters.processes.scenes import in_child
from tests.machine.faults.control_life import CONTROL
from tests.machine.faults.job_life import JOB
from tests.machine.faults.lives import BROKEN, STOPPED, Life, Log, lived
from tests.machine.faults.site_life import SITE
from tests.machine.faults.store_life import STORE
from tests.machine.faults.strace import HARMLESS, Fault, attach, counted, detach, met, points

LIVES = {life.name: life for life in (CONTROL, JOB, SITE, STORE)}
LIFE_SECONDS_MAX = 60.0
UNREAL = re.compile(r"write\(\d+<pipe:.*\(INJECTED\)")  # a pipe is on no disk: it can neither be full nor fail
_PR_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1)

Told = list[tuple[int, str]]


@dataclass(slots=True)
class Walked:
    """What came of a walk: how many points each call had, how many were walked, what was wrong where."""

    life: str
    calls: Counter[str] = field(default_factory=Counter)
    points: int = 0
    met: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0


class Place:
    """A folder for one point; its logs outlive the processes."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wf-", dir="/tmp"))
        self.record = self.folder / "strace.txt"
        self.told: Told = []

    def log(self, round_: int) -> str:
        """What a round said."""
        return (self.folder / f"log{round_}.txt").read_text(errors="replace")

    def close(self) -> None:
        """Remove it, read-only folders too."""
        for path in self.folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(self.folder)


def walk(life: Life, sample: int, seed: int) -> Walked:
    """Count the calls of an undisturbed life, then play it all faults, or a seeded sample of them."""
    with life.around():
        return _walked(life, sample, seed)


def _walked(life: Life, sample: int, seed: int) -> Walked:
    began = time.monotonic()
    walked = Walked(life.name)
    place = _laid_out(life)
    wrong = _dry(life, place)
    walked.calls = counted(place.record)
    if wrong:
        walked.wrong["no fault"] = wrong
    place.close()
    every = points(walked.calls)
    for fault in every if sample <= 0 else _spread(every, sample, random.Random(seed)):
        found, call = play(life, fault)
        walked.points += 1
        walked.met[fault.effect] += bool(call)
        if found:
            walked.wrong[str(fault)] = [*found, call]
    walked.seconds = round(time.monotonic() - began, 1)
    return walked


def _spread(every: list[Fault], sample: int, chance: random.Random) -> list[Fault]:
    """A sample in which every kind of call with every effect stands once before any stands twice, and the effects take
    turns."""
    groups: dict[tuple[str, str], list[Fault]] = {}
    for point in chance.sample(every, len(every)):
        groups.setdefault((point.call, point.effect), []).append(point)
    seen: Counter[str] = Counter()
    rounds = []
    for (_, effect), group in groups.items():
        rounds += [(number, seen[effect], fault) for number, fault in enumerate(group)]
        seen[effect] += 1
    return sorted(fault for _, _, fault in sorted(rounds)[:sample])


def _laid_out(life: Life) -> Place:
    """A place with what is there before the first round, made in a fork: this process starts no thread."""
    place = Place()

    def lay_out() -> list[str]:
        life.ready(str(place.folder))
        return []

    assert not (failed := in_child(lay_out)), failed
    return place


def _dry(life: Life, place: Place) -> list[str]:
    code = _round(life, place, 1, None)
    return _judged(life, place, code, None, "")


def play(life: Life, fault: Fault) -> tuple[list[str], str]:
    """What is wrong after a fault, and the call that it fell on."""
    place = _laid_out(life)
    try:
        code = _round(life, place, 1, fault)
        call = met(place.record, fault)
        return ([] if UNREAL.search(call) else _judged(life, place, code, fault, call)), call
    finally:
        place.close()


def _judged(life: Life, place: Place, code: int, fault: Fault | None, call: str) -> list[str]:
    found = []
    expected = (0, STOPPED) if fault and fault.effect != "SIGKILL" else (0, -signal.SIGKILL) if fault else (0,)
    if code not in expected:
        found.append(f"the first round ended with {code}: {_last(place.log(1))}")
    silent = fault and fault.effect != "SIGKILL" and not place.log(1).strip()
    if silent and call and not HARMLESS.search(call):
        found.append("nothing was said")
    code = _round(life, place, 2, None)
    if code:
        found.append(f"the second round ended with {code}: {_last(place.log(2))}")
        return found
    return found + in_child(lambda: asyncio.run(life.wrong(str(place.folder), place.told)))


def _last(text: str) -> str:
    return " / ".join(text.strip().splitlines()[-12:])[-1500:]


def _round(life: Life, place: Place, round_: int, fault: Fault | None) -> int:
    """Live one round; the exit code, negative for a signal. The first one is watched by strace."""
    told_out, told_in = os.pipe()
    start_out, start_in = os.pipe()
    child = os.fork()
    if not child:
        os.close(told_out)
        _become(place.folder, round_, start_out)
        code = BROKEN
        try:
            tell: Callable[[str], None] = lambda word: _tell(told_in, word)  # noqa: E731
            code = lived(life.live(str(place.folder), tell, round_))
        finally:
            os._exit(code)
    os.close(told_in)
    os.close(start_out)
    watching = attach(child, place.record, fault) if round_ == 1 else None
    os.write(start_in, b"x")
    os.close(start_in)
    code = _wait(child)
    if watching:
        detach(watching)
    with os.fdopen(told_out, errors="replace") as words:
        place.told += [(round_, line.rstrip("\n")) for line in words if line.endswith("\n")]
    return code


def _become(folder: Path, round_: int, start: int) -> None:
    """The child's first steps: its log is its standard error, anybody may trace it, and it waits for the start."""
    log = os.open(folder / f"log{round_}.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    sys.stderr = Log()
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
    os.read(start, 1)


def _tell(descriptor: int, word: str) -> None:
    os.writev(descriptor, [f"{word}\n".encode()])


def _wait(child: int) -> int:
    deadline = time.monotonic() + LIFE_SECONDS_MAX
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 124


def main() -> int:
    """Walk one life and print what came of it; 1 where a promise was broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("life", choices=sorted(LIVES))
    parser.add_argument("--sample", type=int, default=0, help="how many points; 0 walks all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    walked = walk(LIVES[options.life], options.sample, options.seed)
    shown = {name: getattr(walked, name) for name in Walked.__slots__}
    print(json.dumps(shown, indent=1))
    return int(bool(walked.wrong))


if __name__ == "__main__":
    sys.exit(main())
