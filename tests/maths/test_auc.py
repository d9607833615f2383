"""AUC and its bounds."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from windlass.maths.auc import Draw, auc, auc_bound_method, auc_bounds, auc_difference_bounds, midranks

RNG = np.random.default_rng(21)


def scored(positives: int, negatives: int, apart: float, digits: int = 6) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat([1, 0], [positives, negatives])
    return labels, np.round(RNG.normal(size=len(labels)) + apart * labels, digits)


@pytest.mark.parametrize("digits", [6, 0])
def test_auc_is_that_of_scikit_learn(digits: int) -> None:
    """With and without ties the AUC is scikit-learn's."""
    labels, scores = scored(60, 90, 1.0, digits)
    expected = roc_auc_score(labels, scores)
    assert pytest.approx(expected) == auc(scores[labels == 1], scores[labels == 0])
    assert pytest.approx(expected) == auc_bounds(labels, scores, 0.05).estimate


def test_midranks_are_those_of_scipy() -> None:
    """Equal values share the mean of their ranks."""
    values = RNG.integers(0, 9, 50).astype(float)
    assert np.allclose(rankdata(values), midranks(values))


def test_delong_standard_error_is_that_of_brute_force_pairs() -> None:
    """The bounds of a difference lie z standard errors away, with placements counted pair by pair."""
    labels, candidate = scored(150, 250, 1.0, digits=1)
    champion = np.round(candidate + RNG.normal(size=len(labels)), 1)
    placed = []
    for scores in (candidate, champion):
        x, y = scores[labels == 1][:, None], scores[labels == 0][None, :]
        wins = (x > y) + 0.5 * (x == y)
        placed.append((wins.mean(axis=1), wins.mean(axis=0)))
    d_v, d_w = placed[0][0] - placed[1][0], placed[0][1] - placed[1][1]
    error = np.sqrt(d_v.var(ddof=1) / 150 + d_w.var(ddof=1) / 250)
    found = auc_difference_bounds(labels, candidate, champion, 0.05)
    assert ("delong", False) == (found.method, found.exact)
    expected = (d_v.mean() - 1.6448536 * error, d_v.mean(), d_v.mean() + 1.6448536 * error)
    assert np.allclose(expected, (found.lower, found.estimate, found.upper))


def test_a_single_auc_is_bounded_on_the_logit_scale() -> None:
    """The bounds of one AUC are logit-symmetric around it, so they never leave [0, 1]."""
    found = auc_bounds(*scored(300, 300, 1.5), 0.05)
    low, middle, high = (np.log(area / (1 - area)) for area in (found.lower, found.estimate, found.upper))
    assert found.method == "delong"
    assert pytest.approx(middle - low) == high - middle


def test_the_method_follows_from_what_the_rows_tell() -> None:
    """Many misplaced rows: DeLong; few: bootstrap; almost none: exact pairs."""
    assert auc_bound_method(500, 500, 60) == "delong"
    assert auc_bound_method(500, 500, 59) == auc_bound_method(59, 500, 80) == auc_bound_method(9, 9, 5) == "bootstrap"
    assert auc_bound_method(500, 500, 4) == auc_bound_method(4, 500, 80) == "pairs"


def test_a_perfect_auc_of_few_rows_is_not_proven() -> None:
    """Twenty positives without a mistake leave room down to about 0.86, exactly, and never a tight bound."""
    labels = np.repeat([1, 0], [20, 200])
    found = auc_bounds(labels, labels.astype(float), 0.05)
    assert ("pairs", True, 1.0, 1.0) == (found.method, found.exact, found.estimate, found.upper)
    assert 0.80 < found.lower < 0.87


def test_equal_rankings_of_few_rows_are_not_proven_equal() -> None:
    """Two models that rank alike differ by less than what so few rows could have hidden."""
    labels, scores = scored(30, 100, 1.0)
    found = auc_difference_bounds(labels, 2 * scores + 1, scores, 0.05)
    assert ("pairs", 0.0) == (found.method, found.estimate)
    assert found.lower < -0.05 and found.upper > 0.05


def test_few_misplaced_rows_take_the_wider_of_two_bounds() -> None:
    """With 30 positives the bootstrap's bound is used, no tighter than DeLong's, and the seed decides it."""
    labels, scores = scored(30, 120, 2.0)
    found = auc_bounds(labels, scores, 0.05, Draw(seed=1))
    assert ("bootstrap", False) == (found.method, found.exact)
    assert 0.5 < found.lower < found.estimate < found.upper <= 1.0
    assert found == auc_bounds(labels, scores, 0.05, Draw(seed=1))
    labels, candidate = scored(30, 120, 1.5)
    champion = candidate + 0.3 * RNG.normal(size=len(labels))
    difference = auc_difference_bounds(labels, candidate, champion, 0.05)
    mirrored = auc_difference_bounds(labels, champion, candidate, 0.05)
    assert difference.method == "bootstrap"
    assert difference.lower < difference.estimate < difference.upper
    assert np.allclose((-difference.upper, -difference.lower), (mirrored.lower, mirrored.upper))


def test_twenty_positives_err_in_less_than_five_per_cent() -> None:
    """At an AUC of 0.98 with 20 positives, where DeLong errs in 11 to 26 %, at most 3 of 20 bounds are too high."""
    errors = sum(auc_bounds(*scored(20, 80, 2.9044), 0.05, Draw(seed=seed)).lower > 0.98 for seed in range(20))
    assert errors <= 3


def test_rows_of_one_unit_count_as_one() -> None:
    """Rows copied four times within their unit do not make the bound tighter; without units they would."""
    labels, scores = scored(60, 120, 1.0)
    alone = auc_bounds(labels, scores, 0.05, Draw(np.arange(180), seed=3))
    copied = [np.repeat(part, 4) for part in (labels, scores, np.arange(180))]
    together = auc_bounds(copied[0], copied[1], 0.05, Draw(copied[2], seed=3))
    assert together.method == "bootstrap"
    assert pytest.approx(alone.estimate) == together.estimate
    assert abs(together.lower - alone.lower) < 0.02
    assert auc_bounds(copied[0], copied[1], 0.05).lower > together.lower + 0.02


def test_units_without_spread_give_no_bound() -> None:
    """Two units of perfectly placed rows tell nothing about other units."""
    labels = np.array([1, 1, 0, 0] * 2)
    found = auc_bounds(labels, labels.astype(float), 0.05, Draw([1, 1, 1, 1, 2, 2, 2, 2]))
    assert (0.0, 1.0) == (found.lower, found.upper)
    found = auc_difference_bounds(labels, labels.astype(float), labels.astype(float), 0.05, Draw([1] * 4 + [2] * 4))
    assert (-1.0, 1.0) == (found.lower, found.upper)


@pytest.mark.parametrize(
    ("labels", "scores", "units", "words"),
    [
        ([1, 1], [0.1, 0.2], None, "both classes"),
        ([0, 0], [0.1, 0.2], None, "both classes"),
        ([1, 2], [0.1, 0.2], None, "0 or 1"),
        ([1, 0], [0.1], None, "scores for 2 labels"),
        ([1, 0], [0.1, np.nan], None, "not finite at position 1"),
        ([1, 0], [0.1, 0.2], [1], "units for 2 rows"),
    ],
)
def test_rows_that_do_not_fit_are_refused(
    labels: Sequence[int], scores: Sequence[float], units: Sequence[int] | None, words: str
) -> None:
    """A missing class, another label, a missing score or unit are errors that say which."""
    with pytest.raises(ValueError, match=words):
        auc_bounds(labels, scores, 0.05, Draw(units))


def test_an_error_rate_of_a_half_is_refused() -> None:
    """A bound at 50 % or beyond would not be one."""
    with pytest.raises(ValueError, match="alpha"):
        auc_bounds([1, 0], [0.1, 0.2], 0.5)
