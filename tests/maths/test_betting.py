"""Exact wagers on the mean of bounded values."""

import math
from itertools import product

import numpy as np
import pytest

from windlass.maths.betting import STAGED_STAKES, mean_above_log_e, mean_below_log_e, mean_bounds, staged_log_e

WON = math.log(20)


def test_the_wager_is_the_product_that_its_definition_says() -> None:
    """Row by row the stake follows from what is still missing, the spread so far and the rows left."""
    rows, delta, alpha = [0.0, 1.0, 0.0, -1.0, 0.0, 0.5, 0.0], 0.2, 0.05
    capital, squares = 1.0, 0.25
    for t, row in enumerate(rows, start=1):
        missing = math.log(1 / alpha) - math.log(capital)
        stake = min(0.9 / (1 - delta), math.sqrt(2 * missing / ((squares / t) * (len(rows) - t + 1))))
        capital *= 1 + stake * (delta - row)
        squares += (delta - row) ** 2
    assert pytest.approx(math.log(capital)) == mean_below_log_e(rows, delta, alpha)


def test_a_won_wager_stays_won() -> None:
    """After the threshold is reached no later row is bet on."""
    early = [-1.0] * 30
    assert mean_below_log_e([*early, 1.0, 1.0, 1.0], 0.01) >= WON


@pytest.mark.parametrize(("worse", "better"), [(0.2, 0.1), (0.1, 0.0), (0.55, 0.45)])
def test_at_the_margin_it_passes_wrongly_in_at_most_alpha(worse: float, better: float) -> None:
    """Over all 3^6 outcomes at the margin, the wager is worth at most 1 on average and wins at most 1 time in 5."""
    delta = worse - better
    chances = {1.0: worse, -1.0: better, 0.0: 1 - worse - better}
    worth, won = 0.0, 0.0
    for path in product(chances, repeat=6):
        chance = math.prod(chances[row] for row in path)
        log_e = mean_below_log_e(list(path), delta, alpha=0.2)
        worth += chance * math.exp(log_e)
        won += chance * (log_e >= math.log(5))
    assert worth <= 1 + 1e-9
    assert won <= 0.2


def test_the_other_side_is_the_mirror_image() -> None:
    """Evidence above a limit is evidence below the mirrored limit for mirrored rows."""
    rows = np.random.default_rng(8).uniform(-1, 1, 80)
    assert mean_below_log_e((-rows).tolist(), -0.1) == mean_above_log_e(rows.tolist(), 0.1)


def test_losses_between_zero_and_one_have_their_own_span() -> None:
    """Absolute losses bet against their own span: 200 losses of 5 % show a mean below 15 % and above 1 %."""
    rows = ([0.0] * 19 + [1.0]) * 10
    assert mean_below_log_e(rows, 0.15, span=(0.0, 1.0)) >= WON
    assert mean_above_log_e(rows, 0.005, span=(0.0, 1.0)) >= WON
    assert mean_below_log_e(rows, 0.05, span=(0.0, 1.0)) < WON


def test_the_interval_holds_what_neither_side_rules_out() -> None:
    """The wagers win just outside the interval and not inside, and the estimate lies within."""
    rows = np.random.default_rng(9).choice([-1.0, 0.0, 1.0], 300, p=[0.05, 0.9, 0.05])
    low, high = mean_bounds(rows)
    assert low < rows.mean() < high
    assert mean_below_log_e(rows, high) >= WON > mean_below_log_e(rows, high - 0.002)
    assert mean_above_log_e(rows, low) >= WON > mean_above_log_e(rows, low + 0.002)


def test_without_rows_everything_is_possible() -> None:
    """No row rules nothing out, and rows at the end of the span leave only that end."""
    assert mean_bounds([]) == (-1.0, 1.0)
    low, high = mean_bounds([-1.0] * 200)
    assert low == -1.0 and high < -0.8


def test_rows_that_contradict_each_other_leave_the_whole_span() -> None:
    """Where one side or the other wins against every mean, nothing is ruled out for display."""
    rows = [-1.0] * 300 + [1.0] * 300
    assert mean_below_log_e(rows, -0.9) >= WON and mean_above_log_e(rows, -0.999) >= WON
    assert mean_bounds(rows) == (-1.0, 1.0)


def test_no_rows_are_no_evidence() -> None:
    """Before the first row the wager is worth one."""
    assert 0.0 == mean_below_log_e([], 0.01) == mean_above_log_e([], 0.01) == staged_log_e(0, 0, 0, 0.01)


def test_an_equal_candidate_passes_a_point_with_3709_rows_in_three_of_four_cases() -> None:
    """At a discordance of 6 % and a margin of one point, an equal candidate passes in about 76 % of cases."""
    rng = np.random.default_rng(10)
    draws = rng.choice([-1.0, 0.0, 1.0], (100, 3_709), p=[0.03, 0.94, 0.03])
    passed = sum(mean_below_log_e(rows, 0.01) >= WON for rows in draws)
    assert 64 <= passed <= 88


def test_staged_labels_are_the_mean_over_twelve_stakes() -> None:
    """The staged wager is the mean of twelve products of factors, each from counts alone."""
    worse, same, better, delta = 3, 200, 5, 0.02
    expected = np.mean(
        [
            (1 - stake * (1 - delta)) ** worse * (1 + stake * delta) ** same * (1 + stake * (1 + delta)) ** better
            for stake in np.exp(np.linspace(math.log(0.02), math.log(0.9), 12))
        ]
    )
    assert pytest.approx(math.log(expected)) == staged_log_e(worse, same, better, delta)
    assert len(STAGED_STAKES) == 12


def test_the_mirror_of_staged_labels_never_goes_broke() -> None:
    """On the fail side the stakes shrink so that no row can lose more than nine tenths."""
    assert math.isfinite(staged_log_e(50, 0, 0, -0.5))
    assert staged_log_e(0, 20, 200, -0.2) > WON


@pytest.mark.parametrize(
    ("rows", "limit", "alpha"),
    [([1.5], 0.1, 0.05), ([math.nan], 0.1, 0.05), ([0.0], 1.0, 0.05), ([0.0], -1.0, 0.05), ([0.0], 0.1, 0.0)],
)
def test_values_and_limits_outside_the_span_are_refused(rows: list[float], limit: float, alpha: float) -> None:
    """A value outside its span would void the wager, so it is an error."""
    with pytest.raises(ValueError, match=r"values|limit|alpha"):
        mean_below_log_e(rows, limit, alpha)
    with pytest.raises(ValueError, match=r"values|limit|alpha"):
        mean_above_log_e(rows, limit, alpha)


def test_impossible_staged_counts_are_refused() -> None:
    """Negative counts and margins of a whole point scale are errors."""
    with pytest.raises(ValueError, match="negative"):
        staged_log_e(-1, 0, 0, 0.01)
    with pytest.raises(ValueError, match="delta"):
        staged_log_e(1, 0, 0, 1.0)
