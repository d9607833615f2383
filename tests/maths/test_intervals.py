"""The interval of ratios that the wagers have not ruled out."""

import math

import numpy as np
import pytest

from windlass.maths.intervals import ratio_interval
from windlass.maths.wagers import harm_log_e, harm_log_es, safety_log_e, safety_log_es


def test_the_ends_are_where_the_wagers_win() -> None:
    """Just inside an end neither wager has won against the ratio, just outside their mean has."""
    canary, control, share = [60, 20], [570, 60], [0.05, 0.25]
    low, high = ratio_interval(canary, control, share, alpha=0.05)
    for ratio, ruled_out in ((low * 0.999, True), (low * 1.001, False), (high * 0.999, False), (high * 1.001, True)):
        harm = harm_log_e(canary, control, share, ratio)
        safety = safety_log_e(canary, control, share, ratio)
        assert ruled_out == (np.logaddexp(harm, safety) - math.log(2) >= math.log(20)), ratio
    assert low < 2.0 < high


def test_no_event_rules_nothing_out() -> None:
    """Without events every ratio is possible; without canary events no lower end exists, and the reverse."""
    assert ratio_interval([0], [0], [0.05]) == (0.0, math.inf)
    assert ratio_interval([], [], []) == (0.0, math.inf)
    low, high = ratio_interval([0], [570], [0.05])
    assert low == 0.0 and high < 1.0
    low, high = ratio_interval([30], [0], [0.05])
    assert low > 1.0 and high == math.inf


def test_more_events_make_it_narrower() -> None:
    """Ten times the events leave a narrower interval around the same ratio."""
    few, many = ratio_interval([60], [570], [0.05]), ratio_interval([600], [5700], [0.05])
    assert few[0] < many[0] < 2.0 < many[1] < few[1]


def test_it_may_be_looked_at_always() -> None:
    """In 200 pairs of equal releases watched over 400 events, the ratio 1 is left out in at most 5 % at any look."""
    rng = np.random.default_rng(3)
    canary = rng.binomial(10, 0.2, (200, 40)).cumsum(axis=1).reshape(-1, 1)
    events = np.tile(10 * np.arange(1, 41), 200)[:, None]
    harm, safety = (wager(canary, events - canary, [0.2], 1.0) for wager in (harm_log_es, safety_log_es))
    evidence = (np.logaddexp(harm, safety) - math.log(2)).reshape(200, 40)
    assert (evidence.max(axis=1) >= math.log(20)).sum() <= 10


@pytest.mark.parametrize("alpha", [0.0, 1.0, math.nan])
def test_alpha_is_a_chance(alpha: float) -> None:
    """An error rate outside (0, 1) is an error."""
    with pytest.raises(ValueError, match="alpha"):
        ratio_interval([1], [1], [0.5], alpha)
