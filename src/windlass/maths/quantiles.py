"""Bounds of a quantile from order statistics: exact for any distribution, without an assumption on its tail.

The k-th smallest of n values is above the p-quantile unless at least k values fell below it, and that number is
binomial. With too few rows there is no bound, and none is made up: p99 at 95 % needs 299 rows.
"""

import math
from collections.abc import Callable
from itertools import count

import numpy as np

from windlass.maths.counts import Floats, inside, real


def quantile_upper(values: Floats, p: float, alpha: float) -> float | None:
    """An upper bound of the p-quantile at level 1 - alpha; None if there are too few values.

    Raises:
        ValueError: a value is not finite, or `p` or `alpha` is outside (0, 1).

    Source: David and Nagaraja 2003, Order Statistics, section 7.1.

    >>> quantile_upper(list(range(299)), 0.99, 0.05), quantile_upper(list(range(298)), 0.99, 0.05)
    (298.0, None)
    """
    ordered = np.sort(real("values", values))
    rank = upper_rank(len(ordered), p, alpha)
    return None if rank is None else float(ordered[rank - 1])


def quantile_lower(values: Floats, p: float, alpha: float) -> float | None:
    """A lower bound of the p-quantile at level 1 - alpha; None if there are too few values. See `quantile_upper`."""
    ordered = np.sort(real("values", values))
    rank = upper_rank(len(ordered), 1.0 - inside("p", p, 0.0, 1.0), alpha)
    return None if rank is None else float(ordered[len(ordered) - rank])


def upper_rank(rows: int, p: float, alpha: float) -> int | None:
    """The least rank k whose order statistic is an upper bound: P(Binomial(rows, p) <= k - 1) >= 1 - alpha."""
    from scipy.special import bdtr

    inside("p", p, 0.0, 1.0)
    inside("alpha", alpha, 0.0, 1.0)
    if rows < 1 or bdtr(rows - 1, rows, p) < 1.0 - alpha:
        return None
    return _least(lambda k: bool(bdtr(k - 1, rows, p) >= 1.0 - alpha), rows)


def values_needed(p: float, alpha: float) -> int:
    """The least number of values with an upper bound of the p-quantile: their greatest is one if 1 - p^n >= 1 - alpha.

    Raises:
        ValueError: `p` or `alpha` is outside (0, 1).

    >>> values_needed(0.99, 0.05), values_needed(0.5, 0.05)
    (299, 5)
    """
    rows = math.ceil(math.log(inside("alpha", alpha, 0.0, 1.0)) / math.log(inside("p", p, 0.0, 1.0)))
    return next(n for n in count(max(1, rows - 1)) if upper_rank(n, p, alpha) is not None)  # a rounded quotient may err


def _least(holds: Callable[[int], bool], highest: int) -> int:
    low, high = 0, highest
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high
