"""Bounds by resampling whole units: the cluster bootstrap-t.

For metrics without a bound of their own, and wherever rows of one user or document hang together. Whole units are drawn
again and again; what is compared is not the metric but its distance from the estimate in standard errors, which makes
the bound second-order correct. The plain percentile bootstrap was rejected: it errs on the side of passing exactly
where data are few. A draw whose standard error is zero counts as infinitely far away, so too little data gives no bound
instead of a tight one. Asymptotic.

Chance comes in as a seed, so the same rows give the same bound.

Source: Hall 1992, The Bootstrap and Edgeworth Expansion, section 3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from windlass.maths.counts import FloatArray, Floats, Ints, inside

DRAWS_MIN = 1999
TAIL_DRAWS = 10  # draws wanted beyond the quantile; small error rates of late queries need more draws
CELLS_AT_ONCE = 2_000_000
NUDGE = 1e-6  # relative step of the numerical gradient

Resampled: TypeAlias = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """An estimate between two one-sided bounds; minus or plus infinity where the data give none."""

    estimate: float
    lower: float
    upper: float


def bootstrap_t(resampled: Resampled, units: int, alpha: float, seed: int) -> Bounds:
    """Bounds of a metric from draws of whole units.

    Args:
        resampled: from weights of shape (draws, units), whole numbers, the metric and its standard error of each draw,
            both of shape (draws,); NaN where a draw does not define the metric.
        units: how many units there are, at least 2.
        alpha: one-sided error rate of each bound.
        seed: any whole number not below 0.

    Raises:
        ValueError: there are fewer than two units, or `alpha` is outside (0, 1).
    """
    inside("alpha", alpha, 0.0, 1.0)
    if units < 2:
        raise ValueError(f"units: a bootstrap needs at least two, got {units}")
    estimates, errors = resampled(np.ones((1, units)))
    estimate, error = float(estimates[0]), float(errors[0])
    if not (np.isfinite(estimate) and error > 0.0):
        return Bounds(estimate, -np.inf, np.inf)
    draws = max(DRAWS_MIN, int(np.ceil(TAIL_DRAWS / alpha)) - 1)
    high, low = _studentised(resampled, (draws, units), estimate, seed)
    upper_t = np.sort(high)[int(np.ceil((1.0 - alpha) * (draws + 1) - 1e-9)) - 1]
    lower_t = np.sort(low)[int(np.floor(alpha * (draws + 1) + 1e-9)) - 1]
    return Bounds(estimate, float(estimate - upper_t * error), float(estimate - lower_t * error))


def of_totals(sums: FloatArray, metric: Callable[[FloatArray], FloatArray]) -> Resampled:
    """A metric of totals (F1, recall, a mean, a root mean square, a difference of two), made ready for resampling.

    The standard error is the delta method's: each unit's influence is the gradient times its sums.

    Args:
        sums: what each unit adds to the totals, shape (units, k); include a column of rows where a mean is wanted.
        metric: from totals of shape (..., k) the metric of shape (...); homogeneous, so that doubling all totals leaves
            it as it is.

    >>> rows = np.array([[1.0, 2.0], [0.0, 2.0], [1.0, 2.0], [1.0, 2.0], [0.0, 2.0]] * 20)
    >>> found = bootstrap_t(of_totals(rows, lambda total: total[..., 0] / total[..., 1]), 100, 0.05, seed=1)
    >>> found.lower < 0.3 < found.upper
    True
    """
    squares = np.einsum("ui,uj->uij", sums, sums).reshape(len(sums), -1)
    width = sums.shape[1]

    def resampled(weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        totals = weights @ sums
        spread = (weights @ squares).reshape(-1, width, width)
        with np.errstate(divide="ignore", invalid="ignore"):
            gradient = _gradient(metric, totals)
            variance = np.einsum("di,dij,dj->d", gradient, spread, gradient)
            return metric(totals), np.sqrt(np.maximum(variance, 0.0))

    return resampled


def _gradient(metric: Callable[[FloatArray], FloatArray], totals: FloatArray) -> FloatArray:
    width = totals.shape[1]
    step = NUDGE * np.maximum(np.abs(totals).max(axis=1, keepdims=True), 1.0)
    nudged = step[:, None, :] * np.eye(width)
    rise = metric(totals[:, None, :] + nudged) - metric(totals[:, None, :] - nudged)
    return np.asarray(rise / (2.0 * step), dtype=np.float64)


def _studentised(
    resampled: Resampled, shape: tuple[int, int], estimate: float, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Distances in standard errors, twice: draws that tell nothing are +inf in the first and -inf in the second."""
    draws, units = shape
    chance = np.random.Generator(np.random.PCG64(seed))
    at_once = max(1, CELLS_AT_ONCE // units)
    high, low = np.empty(draws), np.empty(draws)
    for start in range(0, draws, at_once):
        number = min(at_once, draws - start)
        drawn = chance.integers(units, size=(number, units)) + units * np.arange(number)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=number * units).reshape(number, units)
        estimates, errors = resampled(weights.astype(np.float64))
        told = np.isfinite(estimates) & (errors > 0.0)
        distance = np.where(told, (estimates - estimate) / np.where(told, errors, 1.0), 0.0)
        high[start : start + number] = np.where(told, distance, np.inf)
        low[start : start + number] = np.where(told, distance, -np.inf)
    return high, low


def as_sums(columns: Sequence[Floats], units: Ints | Floats | None = None) -> FloatArray:
    """Rows added up by unit: one column for each list, units in order of their code; without units, each row alone.

    Raises:
        ValueError: the lengths differ.
    """
    table = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
    if units is None:
        return table
    _, codes = np.unique(np.asarray(units), return_inverse=True)
    return np.column_stack([np.bincount(codes, weights=column) for column in table.T])
