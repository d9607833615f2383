"""What looks for a deleted statement: the tests that reach it, cheap ones before dear ones, then random days."""

import json
from collections.abc import Sequence
from pathlib import Path

from tools.mutants.copies import Ended, NotTrue, failed_test, pytest_command, run
from tools.mutants.reach import Reach, days_command
from tools.mutants.statements import Statement

# What passed without the change in `seconds`, and has not ended after so many times that, hangs because of the change.
TIMES_MAX = 10
EXTRA_SECONDS = 20.0  # a start, and a machine that is busy for a while
START_SECONDS_MAX = 120.0
FIRST_FILES = 6  # a test close by notices most deletions, and reading all files of tests takes longer than running it
_FAILED, _NOT_IMPORTED = 1, 2  # how pytest ends when a test failed, and when a file of tests could not be imported
_NO_CONFTEST = "while loading conftest"  # what it says where it could not even begin; then it ends with 4


def caught(folder: Path, statement: Statement, reach: Reach) -> str:
    """What notices that a statement is gone from a copy; empty where nothing does."""
    for tests in shares(reach.tests(statement)):
        noticed = _in_tests(folder, tests, reach)
        if noticed:
            return noticed
    return _in_days(folder, reach)


def shares(tests: Sequence[str]) -> list[list[str]]:
    """The tests in two parts: those of the quickest files, then the rest; the order within a part stays."""
    files = list(dict.fromkeys(file_of(test) for test in tests))
    first = set(files[:FIRST_FILES])
    parts = [[test for test in tests if (file_of(test) in first) == is_first] for is_first in (True, False)]
    return [part for part in parts if part]


def file_of(test: str) -> str:
    """The file that a test stands in."""
    return test.partition("::")[0]


def limit_of(seconds: float) -> float:
    """After how many seconds something hangs that took `seconds` without any change."""
    return EXTRA_SECONDS + TIMES_MAX * seconds


def _in_tests(folder: Path, tests: Sequence[str], reach: Reach) -> str:
    limits = {test: limit_of(reach.seconds[test]) for test in tests}
    chosen = folder / "chosen.json"
    chosen.write_text(json.dumps(limits))
    files = sorted({file_of(test) for test in tests})
    command = [*pytest_command(files), "-p", "tools.mutants.chosen", f"--chosen={chosen}"]
    ended = run(folder, command, START_SECONDS_MAX + limit_of(sum(reach.seconds[test] for test in tests)))
    return verdict(ended)


def verdict(ended: Ended) -> str:
    """What a run of chosen tests noticed, in words; empty where all passed.

    Raises:
        NotTrue: pytest itself could not do its work, so that nothing was shown.
    """
    if ended.code == 0:
        return ""
    if ended.code is None:
        return f"hangs: {ended.words}"
    if _NO_CONFTEST in ended.words:
        return f"nothing can be imported: {(ended.words.splitlines() or [''])[-1][:120]}"
    if ended.code not in (_FAILED, _NOT_IMPORTED):
        raise NotTrue(f"pytest ended with {ended.code}: {ended.words[-500:]}")
    test = failed_test(ended.words)
    return f"{test} hangs" if "from pytest-timeout" in ended.words else test


def _in_days(folder: Path, reach: Reach) -> str:
    ended = run(folder, days_command(), START_SECONDS_MAX + limit_of(reach.days_seconds))
    if ended.code == 0:
        return ""
    return f"a random day{' hangs' if ended.code is None else ''}: {ended.words[:200]}"
