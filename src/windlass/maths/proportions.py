"""One-sided bounds for shares, for paired differences of 0/1 losses, and for differences of two groups.

Every bound stands at its own `alpha`; an interval from both has level 1 - 2 alpha. Clopper-Pearson is exact. The other
two are score bounds: asymptotic, and close to their level from about 50 rows on (measured figures are in
`docs/explanation/evidence.md`). Wald bounds were rejected, they fail where few rows differ, which is where gates live.
"""

import math
from collections.abc import Callable

from windlass.maths.counts import inside, whole
from windlass.maths.normal import normal_quantile

TANGO_ROWS_MIN = 50  # below, enumeration finds errors of 7.1 % at nominal 5 %: use the fixed-n wager instead
HALVINGS = 60


def proportion_lower(hits: int, rows: int, alpha: float) -> float:
    """The lower Clopper-Pearson bound of a share; 0 without hits.

    Raises:
        ValueError: a count is negative, `hits` is above `rows`, there are no rows, or `alpha` is outside (0, 1).

    Source: Clopper and Pearson 1934, Biometrika 26(4).

    >>> round(proportion_lower(9, 10, 0.05), 4)
    0.6058
    """
    from scipy.special import betaincinv

    _hits(hits, rows)
    inside("alpha", alpha, 0.0, 1.0)
    return 0.0 if hits == 0 else float(betaincinv(hits, rows - hits + 1, alpha))


def proportion_upper(hits: int, rows: int, alpha: float) -> float:
    """The upper Clopper-Pearson bound of a share; 1 if every row is a hit. See `proportion_lower`.

    >>> round(proportion_upper(0, 299, 0.05), 5)
    0.00997
    """
    from scipy.special import betainccinv

    _hits(hits, rows)
    inside("alpha", alpha, 0.0, 1.0)
    return 1.0 if hits == rows else float(betainccinv(hits + 1, rows - hits, alpha))


def tango_upper(worse: int, better: int, rows: int, alpha: float) -> float:
    """The upper bound of the mean difference of two 0/1 losses on the same rows.

    Args:
        worse: rows that only the candidate got wrong (difference +1).
        better: rows that only the champion got wrong (difference -1).
        rows: all rows, those where both agree included.
        alpha: one-sided error rate.

    Returns:
        The bound, in [-1, 1]; positive means worse. At nominal 5 % the candidate is passed wrongly in at most 6.1 % of
        cases from 50 rows on.

    Raises:
        ValueError: a count is negative, there are no rows, or `worse + better` is above `rows`.

    Source: Tango 1998, Statistics in Medicine 17(8).

    >>> round(tango_upper(12, 10, 1000, 0.05), 4)
    0.0103
    """
    whole("worse, better, rows", [worse, better, rows])
    if rows < 1 or worse + better > rows:
        raise ValueError(f"{worse} worse and {better} better rows do not fit into {rows} rows")
    z = normal_quantile(1.0 - inside("alpha", alpha, 0.0, 1.0))
    return _falls_below(lambda d: tango_score(worse, better, rows, d), -z, (worse - better) / rows)


def tango_lower(worse: int, better: int, rows: int, alpha: float) -> float:
    """The lower bound of the mean difference: the mirror image of `tango_upper`."""
    return -tango_upper(better, worse, rows, alpha)


def tango_score(worse: int, better: int, rows: int, difference: float) -> float:
    """Tango's score statistic at a hypothesised mean difference in (-1, 1); it falls as the difference rises.

    q is the likeliest share of rows with difference -1 under the hypothesis, the root of A q^2 + B q + C.
    """
    d = difference
    a = 2.0 * rows
    b = -worse - better + (2.0 * rows - worse + better) * d
    c = -better * d * (1.0 - d)
    root = math.sqrt(max(0.0, b * b - 4.0 * a * c))
    q = (root - b) / (2.0 * a) if b < 0.0 else (-2.0 * c / (root + b) if root + b > 0.0 else 0.0)
    q = max(q, -d, 0.0)
    return _standardised(worse - better - rows * d, rows * (2.0 * q + d * (1.0 - d)))


def difference_upper(first: tuple[int, int], second: tuple[int, int], alpha: float) -> float:
    """The upper bound of the difference of two shares from independent rows, `first` minus `second`.

    Args:
        first: hits and rows of the first group.
        second: hits and rows of the second group.
        alpha: one-sided error rate.

    Raises:
        ValueError: a count is negative, hits are above rows, or a group is empty.

    Source: Miettinen and Nurminen 1985, Statistics in Medicine 4(2); the restricted likelihood has one closed root.

    >>> round(difference_upper((12, 100), (10, 100), 0.05), 4)
    0.0958
    """
    for hits, rows in (first, second):
        _hits(hits, rows)
    z = normal_quantile(1.0 - inside("alpha", alpha, 0.0, 1.0))
    observed = first[0] / first[1] - second[0] / second[1]
    return _falls_below(lambda d: nurminen_score(first, second, d), -z, observed)


def difference_lower(first: tuple[int, int], second: tuple[int, int], alpha: float) -> float:
    """The lower bound of the difference of two shares: the mirror image of `difference_upper`."""
    return -difference_upper(second, first, alpha)


def nurminen_score(first: tuple[int, int], second: tuple[int, int], difference: float) -> float:
    """Miettinen and Nurminen's score statistic at a hypothesised difference; it falls as the difference rises.

    p2, the second share under the hypothesis, is the root of L3 p^3 + L2 p^2 + L1 p + L0 inside the allowed range.
    """
    (x1, n1), (x2, n2) = first, second
    d, n, x = difference, n1 + n2, x1 + x2
    p2 = _cubic_root(
        (
            float(n),
            (n1 + 2.0 * n2) * d - n - x,
            (n2 * d - n - 2.0 * x2) * d + x,
            x2 * d * (1.0 - d),
        )
    )
    p2 = min(max(p2, 0.0, -d), 1.0, 1.0 - d)
    p1 = min(max(p2 + d, 0.0), 1.0)
    variance = (p1 * (1.0 - p1) / n1 + p2 * (1.0 - p2) / n2) * n / (n - 1.0)
    return _standardised(x1 / n1 - x2 / n2 - d, variance)


def _cubic_root(coefficients: tuple[float, float, float, float]) -> float:
    """The trigonometric root of Miettinen and Nurminen's cubic that is the restricted maximum."""
    l3, l2, l1, l0 = coefficients
    third = l2 / (3.0 * l3)
    q = third**3 - l1 * l2 / (6.0 * l3 * l3) + l0 / (2.0 * l3)
    p = math.copysign(math.sqrt(max(0.0, third * third - l1 / (3.0 * l3))), q)
    if p == 0.0:
        return -third
    angle = (math.pi + math.acos(min(1.0, max(-1.0, q / p**3)))) / 3.0
    return 2.0 * p * math.cos(angle) - third


def _standardised(distance: float, variance: float) -> float:
    if variance > 0.0:
        return distance / math.sqrt(variance)
    return math.copysign(math.inf, distance) if distance != 0.0 else 0.0


def _falls_below(score: Callable[[float], float], level: float, start: float) -> float:
    """The smallest difference, from `start` upwards, whose score is below `level`; 1 if there is none."""
    kept, lost = start, 1.0
    if score(lost) >= level:
        return 1.0
    for _ in range(HALVINGS):
        middle = (kept + lost) / 2.0
        if score(middle) >= level:
            kept = middle
        else:
            lost = middle
    return lost


def _hits(hits: int, rows: int) -> None:
    whole("hits and rows", [hits, rows])
    if rows < 1 or hits > rows:
        raise ValueError(f"{hits} hits do not fit into {rows} rows")
