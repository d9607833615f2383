"""What a holdout can see: rows for a margin, the margin for its rows, and how many labels are short.

Plain normal planning: the numbers are advice before training and after an unsure verdict, never a verdict.
"""

import math

from windlass.maths.counts import inside
from windlass.maths.normal import normal_quantile

MEAN_SQUARE_USUAL = 0.06  # mean squared difference of two releases' losses while no earlier gate is known
POWER = 0.8


def rows_needed(delta: float, mean_square: float = MEAN_SQUARE_USUAL, alpha: float = 0.05, power: float = POWER) -> int:
    """The rows with which an equal candidate passes a margin of `delta` with probability `power`.

    Args:
        delta: the margin, positive, in units of the loss (0.01 is one point of a 0/1 loss).
        mean_square: mean of the squared difference of losses, of the last gate where there was one.
        alpha: one-sided error rate of the query.
        power: wanted chance of a pass.

    Raises:
        ValueError: a value is outside its range.

    >>> rows_needed(0.01)
    3710
    """
    if not 0.0 < delta < math.inf:
        raise ValueError(f"delta: the margin must be positive, got {delta!r}")
    return math.ceil(_z_squared(alpha, power) * _spread(mean_square) / delta**2)


def margin_visible(
    rows: int, mean_square: float = MEAN_SQUARE_USUAL, alpha: float = 0.05, power: float = POWER
) -> float:
    """The smallest margin that an equal candidate passes with probability `power` on so many rows.

    Raises:
        ValueError: a value is outside its range.

    >>> round(margin_visible(3710), 4)
    0.01
    """
    if rows < 1:
        raise ValueError(f"rows: a holdout has at least one row, got {rows}")
    return math.sqrt(_z_squared(alpha, power) * _spread(mean_square) / rows)


def labels_short(rows: int, mean: float, mean_square: float, delta: float, alpha: float = 0.05) -> int | None:
    """The further labels with which the difference seen so far would pass with probability 0.8.

    Returns:
        The number, 0 if there are enough; None if the mean difference is not below the margin, where more labels of the
        same kind do not help.

    Raises:
        ValueError: a value is outside its range.

    >>> labels_short(1000, 0.002, 0.06, 0.01)
    4797
    """
    if rows < 1 or math.isnan(mean) or math.isnan(delta):
        raise ValueError(f"labels: rows, mean and delta must be numbers, got {rows}, {mean!r} and {delta!r}")
    needed = _z_squared(alpha, POWER) * _spread(mean_square)
    if mean >= delta:
        return None
    return max(0, math.ceil(needed / (delta - mean) ** 2) - rows)


def _z_squared(alpha: float, power: float) -> float:
    inside("alpha", alpha, 0.0, 0.5)
    inside("power", power, 0.5, 1.0)
    return (normal_quantile(1.0 - alpha) + normal_quantile(power)) ** 2


def _spread(mean_square: float) -> float:
    if not 0.0 <= mean_square < math.inf:
        raise ValueError(f"mean_square: must not be negative, got {mean_square!r}")
    return mean_square
