"""Lines about the candidate's process and about the held-out data."""

from typing import Any

import numpy as np
import pytest

from tests.delivery.gates.scenes import CANDIDATE, check, classes
from windlass.delivery.gates.limits import Process
from windlass.delivery.gates.rows import Holdout
from windlass.delivery.gates.types import CheckResult, Verdict

MIB = 2**20
FAST = Process([0.010] * 299, 400 * MIB)


def process(line: str, given: Process) -> CheckResult:
    """One line about a process."""
    return check(line, Holdout((), (), "d"), classes(CANDIDATE, []), process=given)


def quality(line: str, known: dict[str, list[Any]] | None = None, **columns: list[Any]) -> CheckResult:
    """One line about rows with these columns."""
    rows = len(next(iter(columns.values())))
    holdout = Holdout([f"r{row}" for row in range(rows)], [1] * rows, "d", (), columns)
    return check(line, holdout, classes(CANDIDATE, [1] * rows), process=Process(known=known or {}))


@pytest.mark.parametrize(
    ("line", "seconds", "verdict"),
    [
        ("latency p99 <= 300ms", [0.01] * 299, "pass"),
        ("latency p99 <= 300ms", [0.01] * 298, "unsure"),
        ("latency p99 <= 300ms", [0.01] * 290 + [0.4] * 9, "fail"),
        ("latency p99 <= 300ms", [0.01] * 298 + [0.4], "unsure"),
        ("latency p50 <= 10ms", [0.01] * 20, "pass"),
        ("latency p99 <= 300ms", [], "unsure"),
    ],
)
def test_latency_is_judged_by_a_bound_of_its_quantile(line: str, seconds: list[float], verdict: str) -> None:
    """A 99th percentile needs 299 clean calls to pass, and some slow ones to fail."""
    assert verdict == process(line, Process(seconds)).verdict


def test_too_few_calls_are_said_to_be_too_few() -> None:
    """Where the calls give no bound the check says how many there were and how many it needs; without calls, that none
    was measured."""
    found = process("latency p99 <= 300ms", Process([0.01] * 298))
    assert "298 single calls are too few to bound this quantile; it needs 299 at least" == found.note
    rarer = process("latency p99.9 <= 300ms", Process([0.01] * 300))
    assert "300 single calls are too few to bound this quantile; it needs 2,995 at least" == rarer.note
    assert "latency p99: no latency was measured" == process("latency p99 <= 300ms", Process()).sentence()


@pytest.mark.parametrize(
    ("line", "verdict"),
    [("memory <= 400Mi", "pass"), ("memory < 400Mi", "fail"), ("memory <= 399Mi", "fail")],
)
def test_memory_is_measured_not_estimated(line: str, verdict: str) -> None:
    """Peak memory is one number: at the limit it holds for <= and not for <."""
    assert verdict == process(line, FAST).verdict
    assert (Verdict.UNSURE, "the peak memory was not measured") == (
        (unknown := process(line, Process())).verdict,
        unknown.note,
    )


def test_memory_says_what_was_measured() -> None:
    """The sentence shows the measured size beside the limit."""
    assert "memory 400.0 MiB (wanted <= 399.0 MiB)" == process("memory <= 399Mi", FAST).sentence()


@pytest.mark.parametrize(
    ("line", "missing", "rows", "verdict"),
    [
        ("missing(age) <= 1%", 0, 299, "pass"),
        ("missing(age) <= 1%", 0, 297, "unsure"),
        ("missing(age) <= 1%", 20, 300, "fail"),
        ("missing(age) <= 1%", 3, 300, "unsure"),
    ],
)
def test_missing_values_are_bounded(line: str, missing: int, rows: int, verdict: str) -> None:
    """None and NaN count as missing, and their share has a Clopper-Pearson bound."""
    values = [None if row % 2 else float("nan") for row in range(missing)] + [1.0] * (rows - missing)
    assert verdict == quality(line, age=values).verdict


def test_unseen_values_are_those_the_release_was_not_trained_on() -> None:
    """Unseen are values that the release's signature does not list; missing ones are another matter."""
    values = ["de", "fr", None] * 150 + ["xx"] * 30
    found = quality("unseen(country) <= 2%", {"country": ["de", "fr"]}, country=values)
    assert (Verdict.FAIL, 330) == (found.verdict, found.n)
    assert pytest.approx(30 / 330) == found.value
    assert Verdict.PASS is quality("unseen(country) <= 2%", {"country": ["de", "fr", "xx"]}, country=values).verdict


@pytest.mark.parametrize(
    ("line", "known", "column", "note"),
    [
        ("missing(income) <= 1%", {}, [1.0], 'the holdout has no column "income"'),
        ("unseen(country) <= 1%", {}, ["de"], 'the release does not say which values of "country" it was trained on'),
        ("unseen(country) <= 1%", {"country": ["de"]}, [None], "no row has a value to look at"),
    ],
)
def test_what_cannot_be_counted_is_unsure(line: str, known: dict[str, Any], column: list[Any], note: str) -> None:
    """A missing column, unknown training values or no value at all leave the check unsure, and say why."""
    found = quality(line, known, country=column)
    assert (Verdict.UNSURE, note) == (found.verdict, found.note)


@pytest.mark.parametrize(("line", "verdict"), [("rows >= 10", "pass"), ("rows > 10", "fail"), ("rows >= 11", "fail")])
def test_rows_are_counted(line: str, verdict: str) -> None:
    """The number of rows is exact."""
    assert verdict == quality(line, age=np.ones(10).tolist()).verdict
