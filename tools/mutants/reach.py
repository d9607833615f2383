"""Which tests reach a statement: found out once, on the code without any change.

What is found stays in `build/reach` for as long as neither the code nor the tests change. A deleted statement is looked
for by the tests that reach it, and by no other: where a line does not run, nothing can notice that it is gone.
"""

import hashlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from tools.mutants.copies import ROOT, Ended, NotTrue, copied, failed_test, pytest_command, run
from tools.mutants.statements import Statement

# The tests that reach what statements are deleted from. Those of whole processes are left out, as they take minutes,
# and those of random days, as days follow on the tests.
TESTS = (
    "delivery/**/test_decide.py",
    "delivery/rollouts/test_*.py",
    "delivery/sources/test_*.py",
    "planner/test_*.py",
    "engine/**/test_*.py",
    "site/test_*.py",
    "doors/test_*.py",
    "sessions/test_*.py",
    "sim/test_[!d]*.py",
)
DAYS = 3  # usual ones, and as many busy ones
FILE_SECONDS_MAX = 1800.0
_KEPT = ROOT / "build/reach"


class Traced(TypedDict):
    """What `tracing` wrote about one file of tests; the numbers are places in `seconds`."""

    seconds: dict[str, float]
    lines: dict[str, dict[str, list[int]]]


@dataclass(frozen=True, slots=True)
class Reach:
    """The tests of the unchanged code: how long each takes, and which of them reach a line of a file."""

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[int, tuple[str, ...]]]
    days_seconds: float

    def tests(self, statement: Statement) -> tuple[str, ...]:
        """The tests that reach a statement, the quickest first; where it runs at import, or no test does (it runs in a
        process of its own), those that reach anything of its file."""
        known = self.lines.get(statement.path, {})
        lines = range(statement.first, statement.last + 1)
        found = set() if statement.at_import else {test for line in lines for test in known.get(line, ())}
        found = found or {test for tests in known.values() for test in tests}
        return tuple(sorted(found, key=lambda test: (self.seconds[test], test)))


def digest_of_code() -> str:
    """What code and tests are now: the same digest, the same answers."""
    digest = hashlib.sha256()
    for folder in ("src", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def found_out(processes: int) -> Reach:
    """Let the unchanged code pass all tests and days, and see what they reach; what is known already is not run again.

    Raises:
        NotTrue: a test or a day is bad without any change, so that nothing could be judged by it.
    """
    kept = _KEPT / digest_of_code()
    kept.mkdir(parents=True, exist_ok=True)
    files = sorted({str(path.relative_to(ROOT)) for wanted in TESTS for path in (ROOT / "tests").glob(wanted)})
    with copied("unchanged") as folder, ThreadPoolExecutor(processes) as pool:
        days = pool.submit(_days_seconds, folder, kept / "days.json")
        each = [pool.submit(trace, folder, path, kept) for path in files]
        return merged([one.result() for one in each], days.result())


def merged(files: Sequence[Traced], days_seconds: float) -> Reach:
    """One answer from those of all files of tests."""
    seconds: dict[str, float] = {}
    lines: dict[str, dict[int, tuple[str, ...]]] = {}
    for one in files:
        tests = list(one["seconds"])
        seconds |= one["seconds"]
        for path, reached in one["lines"].items():
            known = lines.setdefault(path, {})
            for line, numbers in reached.items():
                known[int(line)] = (*known.get(int(line), ()), *(tests[number] for number in numbers))
    return Reach(seconds, lines, days_seconds)


def trace(folder: Path, path: str, kept: Path) -> Traced:
    """Seconds and lines of one file of tests, read again where they are known."""
    into = kept / f"{path.replace('/', '-')}.json"
    if not into.exists():
        begun = into.with_suffix(".new")
        patient = f"--timeout={FILE_SECONDS_MAX:.0f}"  # builds of real environments are slow on a busy machine
        command = [*pytest_command([path]), patient, "-p", "tools.mutants.tracing", f"--lines-to={begun}"]
        _passed(run(folder, command, FILE_SECONDS_MAX), path)
        begun.replace(into)
    traced: Traced = json.loads(into.read_text())
    return traced


def _days_seconds(folder: Path, into: Path) -> float:
    if not into.exists():
        began = time.monotonic()
        _passed(run(folder, days_command(), FILE_SECONDS_MAX), "a random day")
        into.write_text(json.dumps(time.monotonic() - began))
    return float(json.loads(into.read_text()))


def days_command() -> list[str]:
    """Live through the days that follow on the tests."""
    return [sys.executable, "-m", "tools.mutants.days", str(DAYS)]


def _passed(ended: Ended, what: str) -> None:
    if ended.code != 0:
        words = failed_test(ended.words) if ended.code else ended.words
        raise NotTrue(f"{what} is bad although nothing was deleted, so nothing can be judged: {words}")
