"""Bounds of a metric and of differences: which method is used, and that it keeps what it promises."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery.gates.scenes import CANDIDATE, CHAMPION, chances, check, classes, holdout, rights, scored
from windlass.delivery.gates.rows import Answers
from windlass.delivery.gates.types import CheckResult, Verdict
from windlass.maths.proportions import proportion_lower, proportion_upper, tango_lower, tango_upper

METHODS = [
    ("accuracy >= 0.5", None, "Clopper-Pearson", True),
    ("recall >= 0.5", None, "Clopper-Pearson", True),
    ("precision >= 0.5", None, "Clopper-Pearson", True),
    ("roc_auc >= 0.5", None, "DeLong", False),
    ("brier <= 0.5", None, "wager", True),
    ("f1 >= 0.5", None, "bootstrap-t", False),
    ("log_loss <= 2", None, "bootstrap-t", False),
    ("balanced_accuracy >= 0.5", None, "bootstrap-t", False),
    ("average_precision >= 0.5", None, "bootstrap-t", False),
    ("accuracy not worse than champion", None, "Tango", False),
    ("recall not worse than champion", None, "Tango", False),
    ("precision not worse than champion", None, "bootstrap-t", False),
    ("brier not worse than champion", None, "wager", True),
    ("roc_auc not worse than champion", None, "DeLong", False),
    ("average_precision not worse than champion", None, "bootstrap-t", False),
    ("f1 not worse than champion", None, "bootstrap-t", False),
    ("accuracy >= 0.5", 2, "wager", True),
    ("recall >= 0.5", 2, "bootstrap-t", False),
    ("roc_auc >= 0.5", 2, "bootstrap-t", False),
    ("accuracy not worse than champion", 2, "wager", True),
    ("recall not worse than champion", 2, "bootstrap-t", False),
    ("balanced_accuracy not worse than champion", 2, "bootstrap-t", False),
]
LABELS, (CHANCES, OTHERS) = scored(300, 11, (0.2, 0.4))


def judged(line: str, rows_per_unit: int | None = None) -> CheckResult:
    """One line on 300 rows, alone or in units of some rows."""
    units = [row // rows_per_unit for row in range(300)] if rows_per_unit else []
    return check(line, holdout(LABELS, units), chances(CANDIDATE, CHANCES), chances(CHAMPION, OTHERS))


@pytest.mark.parametrize(("line", "rows_per_unit", "method", "exact"), METHODS)
def test_each_metric_is_bounded_by_the_sharpest_method_it_has(
    line: str, rows_per_unit: int | None, method: str, exact: bool
) -> None:
    """The method follows from the metric and from whether rows stand alone, and the bounds hold the estimate."""
    found = judged(line, rows_per_unit)
    assert (method, exact) == (found.method, found.exact)
    assert found.value is not None and found.low is not None and found.high is not None
    assert found.low <= found.value <= found.high
    if rows_per_unit and not line.startswith("roc_auc"):
        assert found.n == 150


def test_units_of_one_row_each_are_rows() -> None:
    """A unit column whose values are all different changes nothing."""
    alone = check("accuracy >= 0.5", holdout(LABELS), chances(CANDIDATE, CHANCES))
    named = check("accuracy >= 0.5", holdout(LABELS, [f"u{row}" for row in range(300)]), chances(CANDIDATE, CHANCES))
    assert alone == named


def test_shares_and_their_differences_are_those_of_the_papers() -> None:
    """Accuracy has Clopper-Pearson bounds, its difference Tango's, mirrored into the metric's direction."""
    labels, candidate, champion = rights(500, worse=9, better=5, wrong=20)
    rows, mine = holdout(labels), classes(CANDIDATE, candidate)
    found = check("accuracy >= 0.9", rows, mine)
    assert (proportion_lower(471, 500, 0.05), proportion_upper(471, 500, 0.05)) == pytest.approx(
        (found.low, found.high)
    )
    pair = check("accuracy not worse than champion", rows, mine, classes(CHAMPION, champion))
    assert (-tango_upper(9, 5, 500, 0.05), -tango_lower(9, 5, 500, 0.05)) == pytest.approx((pair.low, pair.high))
    assert (-0.008, 0.942, 0.95) == (pair.value, pair.candidate, pair.reference)


def test_few_rows_are_left_to_the_wager() -> None:
    """Below fifty rows, where Tango's bound errs too often, the exact wager judges accuracy."""
    labels, candidate, champion = rights(49, worse=1, better=1)
    found = check("accuracy not worse than champion", holdout(labels), classes("a", candidate), classes("b", champion))
    assert ("wager", Verdict.UNSURE) == (found.method, found.verdict)


def test_too_few_rows_for_resampling_are_unsure() -> None:
    """Nineteen rows or units give no bound, and the check says how many it needs."""
    labels, (mine, _) = scored(40, 3, (0.2, 0.2))
    found = check("log_loss <= 2", holdout(labels, [row % 19 for row in range(40)]), chances("a", mine))
    assert (Verdict.UNSURE, "19 units are too few to bound log_loss; it needs 20 at least") == (
        found.verdict,
        found.note,
    )
    alone = check("log_loss <= 2", holdout(labels[:19]), chances("a", mine[:19]))
    assert alone.note.startswith("19 rows are too few")


def test_equal_answers_are_not_worse_and_not_better() -> None:
    """A candidate that answers like the champion on every row passes a margin, and is no improvement."""
    amounts = np.random.default_rng(1).normal(0, 1, 60).tolist()
    guesses = [amount + 0.1 for amount in amounts]
    same = Answers("a", guesses), Answers("b", guesses)
    passed = check("mae not worse than champion", holdout(amounts), *same)
    assert (Verdict.PASS, "equal answers", 0.0, None) == (passed.verdict, passed.method, passed.value, passed.better)
    unsure = check("mae better than champion", holdout(amounts), *same)
    assert Verdict.UNSURE is unsure.verdict
    few = check(
        "mae not worse than champion", holdout(amounts[:30]), Answers("a", guesses[:30]), Answers("b", guesses[:30])
    )
    assert (Verdict.UNSURE, None, None) == (few.verdict, few.low, few.labels_short)


@given(
    rows=st.integers(50, 400),
    worse=st.integers(0, 25),
    better=st.integers(0, 25),
    narrow=st.integers(0, 30),
    more=st.integers(0, 30),
)
def test_a_wider_margin_never_turns_a_pass_away(rows: int, worse: int, better: int, narrow: int, more: int) -> None:
    """What passes a margin passes every wider one, and what fails a margin fails every narrower one."""
    labels, candidate, champion = rights(rows, worse=worse, better=better)
    order = [Verdict.FAIL, Verdict.UNSURE, Verdict.PASS]
    tight, wide = (
        order.index(
            check(
                f"accuracy not worse than champion by {margin / 100:.2f}",
                holdout(labels),
                classes(CANDIDATE, candidate),
                classes(CHAMPION, champion),
            ).verdict
        )
        for margin in (narrow, narrow + more)
    )
    assert tight <= wide


@pytest.mark.parametrize("line", [line for line, units, _, _ in METHODS if "champion" in line and units is None])
def test_swapping_the_two_mirrors_the_difference(line: str) -> None:
    """The candidate's lead over the champion is the champion's lag behind the candidate, bounds and all."""
    rows = holdout(LABELS)
    one = check(line, rows, chances("a", CHANCES), chances("b", OTHERS))
    other = check(line, rows, chances("b", OTHERS), chances("a", CHANCES))
    assert one.value is not None and one.low is not None and one.high is not None
    width = 0.15 * (one.high - one.low) if one.method == "bootstrap-t" else 1e-3
    assert (-one.value, -one.high, -one.low) == pytest.approx((other.value, other.low, other.high), abs=width)
    assert one.better is not True or other.better is False


@given(st.integers(0, 60), st.integers(0, 60), st.integers(61, 300))
def test_bounds_say_better_or_worse_only_beyond_zero(worse: int, better: int, rows: int) -> None:
    """`better` is True above zero, False below it, and None while the bounds hold zero."""
    if worse + better > rows:
        worse = rows - better
    labels, candidate, champion = rights(rows, worse=worse, better=better)
    found = check("accuracy not worse than champion", holdout(labels), classes("a", candidate), classes("b", champion))
    assert found.low is not None and found.high is not None
    assert {True: found.low > 0, False: found.high < 0, None: found.low <= 0 <= found.high}[found.better]


def test_labels_short_are_what_would_decide() -> None:
    """An unsure check says how many more rows it needs, and that many rows of the same kind are enough on average."""
    labels, candidate, champion = rights(1000, worse=20, better=15)
    found = check("accuracy not worse than champion", holdout(labels), classes("a", candidate), classes("b", champion))
    assert Verdict.UNSURE is found.verdict and found.labels_short is not None
    times = math.ceil((1000 + found.labels_short) / 1000)
    labels, candidate, champion = rights(1000 * times, worse=20 * times, better=15 * times)
    assert (
        Verdict.PASS
        is check(
            "accuracy not worse than champion", holdout(labels), classes("a", candidate), classes("b", champion)
        ).verdict
    )


def test_no_number_of_labels_helps_a_candidate_beyond_its_margin() -> None:
    """Where the difference seen is as large as the margin, more labels are not promised to help."""
    labels, candidate, champion = rights(200, worse=12, better=4)
    found = check("accuracy not worse than champion", holdout(labels), classes("a", candidate), classes("b", champion))
    assert (Verdict.UNSURE, None) == (found.verdict, found.labels_short)
