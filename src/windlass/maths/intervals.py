"""The ratio of event rates that is still possible, at every look at once.

For display beside a verdict, and never the verdict itself: a ratio is shown as possible while neither wager against it
has won.
"""

import math
from collections.abc import Callable

import numpy as np

from windlass.maths.counts import FloatArray, Floats, IntArray, Ints, inside
from windlass.maths.effects import STANDARD
from windlass.maths.shares import added_up, one_row, share_log_es, shares_of

LOG_RATIO_MAX = 60.0  # beyond any ratio that counts up to 10^15 can tell apart
HALVINGS = 30  # an end is found to one part in ten million


def ratio_interval(canary: Ints, control: Ints, share: Floats, alpha: float = 0.05) -> tuple[float, float]:
    """The ratios of event rates, canary to control, that are not ruled out.

    A ratio is kept while the mean of the harm wager and the safety wager against it is below `1 / alpha`. The first
    falls and the second rises with the ratio, and at the likeliest ratio both are at most 1, so each end is one
    crossing, found by halving.

    Args:
        canary: events on the canary, shape (steps,).
        control: events on the rest, same shape.
        share: traffic share of the canary for each step, inside (0, 1).
        alpha: the chance that the true ratio is ever left out.

    Returns:
        The lowest and the highest ratio kept; 0 and infinity where nothing is ruled out.

    Raises:
        ValueError: the shapes differ, or a value is outside its range.

    Source: Lindon and Malek 2022, arXiv 2011.03567, confidence sequences by inverting the wager.

    >>> ratio_interval([0], [0], [0.05])
    (0.0, inf)
    """
    threshold = math.log(1.0 / inside("alpha", alpha, 0.0, 1.0)) + math.log(2.0)
    tables, (shares,) = added_up([one_row("canary", canary), one_row("control", control)], [shares_of("share", share)])

    def ruled_out(log_ratio: float) -> bool:
        return _both_ways(tables, shares, math.exp(log_ratio)) >= threshold

    likeliest = _likeliest(tables, shares)
    low = _last_kept(ruled_out, -LOG_RATIO_MAX, likeliest)
    high = _last_kept(ruled_out, LOG_RATIO_MAX, likeliest)
    return (0.0 if low is None else math.exp(low), math.inf if high is None else math.exp(high))


def _both_ways(tables: list[IntArray], shares: FloatArray, ratio: float) -> float:
    log_weights = np.log(STANDARD.weights)
    harm = share_log_es(tables, shares, ratio, STANDARD.ratios, log_weights)[0]
    safety = share_log_es(tables, shares, ratio, 1.0 / STANDARD.ratios, log_weights)[0]
    return float(np.logaddexp(harm, safety))


def _likeliest(tables: list[IntArray], shares: FloatArray) -> float:
    """The logarithm of the ratio at which the canary's events are as many as expected."""
    canary, control = tables[0][0], tables[1][0]
    low, high = -LOG_RATIO_MAX, LOG_RATIO_MAX
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        scaled = shares * math.exp(middle)
        expected = float(((canary + control) * (scaled / (scaled + (1.0 - shares)))).sum())
        if expected < float(canary.sum()):
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _last_kept(ruled_out: Callable[[float], bool], outside: float, inside_end: float) -> float | None:
    if not ruled_out(outside):
        return None
    kept, lost = inside_end, outside
    for _ in range(HALVINGS):
        middle = (kept + lost) / 2.0
        if ruled_out(middle):
            lost = middle
        else:
            kept = middle
    return lost
