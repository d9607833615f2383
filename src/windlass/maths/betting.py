"""Whether the mean of bounded values is below a limit, decided by a wager over a fixed number of rows.

K_0 = 1 and K_t = K_(t-1) (1 + l_t y_t), where y_t is the limit minus row t and l_t aims at winning with the rows left:
l_t^2 = 2 (ln(1/alpha) - ln K_(t-1)) / (v (n - t + 1)), v the mean square of y so far, capped so that no row can lose
more than nine tenths. Exact for every distribution on the given span, also for a handful of rows and for losses that
are mostly zero, where normal intervals fail.

The order of rows is given by the caller and must not depend on the values (a hash of row key and holdout digest).
Several rows of one unit enter as their mean.

Source: Waudby-Smith and Ramdas 2024, JRSS B 86(1), "Estimating means of bounded random variables by betting"; stakes
for a fixed number of rows after Voráček and Orabona 2025, "STaR-Bets".
"""

import math

import numpy as np

from windlass.maths.counts import FloatArray, Floats, inside, real, whole
from windlass.maths.evidence import log_sum_exp

STAKE_MAX = 0.9  # of what the worst row could lose: a wager is never broke
VARIANCE_PRIOR = 0.25  # counts as one row before the first
GRID_POINTS = 2001  # steps of 0.001 on [-1, 1]
STAGED_STAKES = np.geomspace(0.02, STAKE_MAX, 12)
Span = tuple[float, float]
DIFFERENCES: Span = (-1.0, 1.0)  # paired differences of losses in [0, 1]


def mean_below_log_e(values: Floats, limit: float, alpha: float = 0.05, span: Span = DIFFERENCES) -> float:
    """Evidence that the mean is below `limit`: the side of a pass.

    Args:
        values: one for each row or unit, inside `span`, in an order that does not depend on them.
        limit: the margin, strictly inside `span`.
        alpha: the wager stops at `log(1 / alpha)`; it decides at this level only.
        span: the lowest and the highest value possible.

    Returns:
        The natural logarithm of the e-value; 0 without rows. Pass at `log(1 / alpha)`, unless `mean_above_log_e` has
        reached it too: then the rows contradict each other and the verdict is unsure.

    Raises:
        ValueError: a value is outside `span` or not finite, or `limit` or `alpha` is out of range.

    >>> mean_below_log_e([0.0] * 400, 0.05) > math.log(20) > mean_below_log_e([0.0] * 20, 0.05)
    True
    """
    rows = _rows(values, span).tolist()
    inside("limit", limit, *span)
    won = math.log(1.0 / inside("alpha", alpha, 0.0, 1.0))
    stake_max, left = STAKE_MAX / (span[1] - limit), len(rows)
    log_e, squares = 0.0, VARIANCE_PRIOR
    for t, row in enumerate(rows, start=1):
        y = limit - row
        stake = min(stake_max, math.sqrt(2.0 * (won - log_e) * t / (squares * left)))
        log_e += math.log1p(stake * y)
        if log_e >= won:
            return log_e
        squares += y * y
        left -= 1
    return log_e


def mean_above_log_e(values: Floats, limit: float, alpha: float = 0.05, span: Span = DIFFERENCES) -> float:
    """Evidence that the mean is above `limit`: the side of a fail, the mirror image of `mean_below_log_e`."""
    return mean_below_log_e(-real("values", values), -limit, alpha, (-span[1], -span[0]))


def mean_bounds(values: Floats, alpha: float = 0.05, span: Span = DIFFERENCES) -> tuple[float, float]:
    """The limits that neither side rules out, on a grid of 2,001 points, for display.

    Each side has its own `alpha`. A verdict is taken from the wager at its own limit, not from this interval.

    Returns:
        The lowest and the highest mean still possible, widened outwards to the next grid point.

    Raises:
        ValueError: a value is outside `span` or not finite, or `alpha` is out of range.
    """
    rows = _rows(values, span)
    low, high = span
    grid = np.linspace(low, high, GRID_POINTS)
    inner = grid[1:-1]
    won = math.log(1.0 / inside("alpha", alpha, 0.0, 1.0))
    below = _final_log_es(rows, inner, won, high) >= won
    above = _final_log_es(-rows, -inner, won, -low) >= won
    kept = np.flatnonzero(~(below | above))
    if kept.size == 0:
        return (low, high)
    return (float(grid[kept[0]]), float(grid[kept[-1] + 2]))


def staged_log_e(worse: int, same: int, better: int, delta: float) -> float:
    """Evidence that the mean difference is below `delta`, from labels bought one by one; valid at every look.

    A mean over twelve fixed stakes, so it depends on counts alone. For a fail exchange `worse` and `better` and negate
    `delta`.

    Args:
        worse: rows with difference +1.
        same: rows with difference 0.
        better: rows with difference -1.
        delta: the margin, inside (-1, 1).

    Raises:
        ValueError: a count is negative, or `delta` is outside (-1, 1).

    Source: Waudby-Smith and Ramdas 2024; mixture over stakes as in `docs/explanation/evidence.md`.

    >>> staged_log_e(30, 940, 30, 0.05) > math.log(20) > staged_log_e(30, 940, 30, 0.01)
    True
    """
    counts = whole("worse, same, better", [worse, same, better])
    inside("delta", delta, *DIFFERENCES)
    stakes = STAGED_STAKES / max(1.0, 1.0 - delta)
    logs = (
        counts[0] * np.log1p(-stakes * (1.0 - delta))
        + counts[1] * np.log1p(stakes * delta)
        + counts[2] * np.log1p(stakes * (1.0 + delta))
    )
    return float(log_sum_exp(logs) - math.log(stakes.size))


def _rows(values: Floats, span: Span) -> FloatArray:
    rows = real("values", values)
    low, high = span
    if rows.size and (rows.min() < low or rows.max() > high):
        raise ValueError(f"values: {rows.min():g} to {rows.max():g} do not fit into {low:g} to {high:g}")
    return rows


def _final_log_es(rows: FloatArray, limits: FloatArray, won: float, highest: float) -> FloatArray:
    """The wager of `mean_below_log_e` against many limits at once."""
    stake_max = STAKE_MAX / (highest - limits)
    logs = np.zeros(limits.shape)
    squares = np.full(limits.shape, VARIANCE_PRIOR)
    for t, row in enumerate(rows.tolist(), start=1):
        y = limits - row
        missing = np.maximum(won - logs, 0.0)
        stake = np.minimum(stake_max, np.sqrt(2.0 * missing * t / (squares * (rows.size - t + 1))))
        logs = logs + np.log1p(stake * y)
        squares += y * y
    return logs
