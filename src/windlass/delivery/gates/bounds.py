"""A metric, or the difference of two on the same rows, with its bounds: the sharpest method that the rows allow.

Shares of rows that stand alone have exact or score bounds. Bounded means and shares over units are judged by a wager on
unit means at the limit itself; the interval beside it is for people. What is left is resampled, whole units at a time.
Everything is written in the metric's own direction: `above` says the metric is shown above the limit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from windlass.delivery.gates.metrics import Kind
from windlass.delivery.gates.ranked import resampled
from windlass.delivery.gates.rows import Ordered, Unfit
from windlass.delivery.gates.samples import Pairs, Ranked, Sample, Totals
from windlass.maths.auc import AucBounds, Draw, auc_bounds, auc_difference_bounds
from windlass.maths.betting import Span, mean_above_log_e, mean_below_log_e, mean_bounds
from windlass.maths.bootstrap import Bounds, Resampled, as_sums, bootstrap_t, of_totals
from windlass.maths.counts import FloatArray, IntArray
from windlass.maths.normal import normal_quantile
from windlass.maths.proportions import TANGO_ROWS_MIN, proportion_lower, proportion_upper, tango_lower, tango_upper
from windlass.maths.rounding import round10

UNITS_MIN = 20  # below, resampling says nothing that deserves to be called a bound
EQUAL_ROWS_MIN = TANGO_ROWS_MIN  # from here on equal answers on every row are taken as equal


@dataclass(frozen=True, slots=True)
class Setting:
    """The rows in judging order, the error rate of each bound, and what the quantity is held against."""

    rows: Ordered
    alpha: float
    limit: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A quantity between its bounds. `above` and `below` say on which side of the limit it is shown to be.

    `n` counts what stands alone: rows or units. `spread` is n times the squared standard error, or the mean squared
    difference where the quantity is a mean difference.
    """

    value: float
    low: float
    high: float
    above: bool
    below: bool
    n: int
    spread: float
    method: str
    exact: bool


def measure(sample: Sample, setting: Setting) -> Measured:
    """The metric of one release against a threshold.

    Raises:
        Unfit: there are too few rows to say anything.
    """
    units = setting.rows.units
    if isinstance(sample.way, Pairs):
        return _area(sample.way, None, setting)
    if sample.mean is not None and sample.metric.kind is Kind.SHARE and units is None:
        return _share(sample.mean.kept, setting)
    if sample.mean is not None and sample.mean.used.all():
        return _wager(_unit_means(sample.mean.values, units), (0.0, 1.0), setting)
    return _resampled(sample, None, setting)


def compare(sample: Sample, other: Sample, setting: Setting) -> Measured:
    """The candidate's metric minus the reference's on the same rows, against a limit of that difference.

    Raises:
        Unfit: there are too few rows to say anything.
    """
    units, mean, theirs = setting.rows.units, sample.mean, other.mean
    if isinstance(sample.way, Pairs) and isinstance(other.way, Pairs):
        return _area(sample.way, other.way, setting)
    if mean is not None and theirs is not None and np.array_equal(mean.used, theirs.used):
        change = mean.kept - theirs.kept
        if sample.metric.kind is Kind.SHARE and units is None and len(change) >= TANGO_ROWS_MIN:
            return _discordant(change, setting)
        if units is None or mean.used.all():
            return _wager(_unit_means(change, units), (-1.0, 1.0), setting)
    return _resampled(sample, other, setting)


def _share(values: FloatArray, setting: Setting) -> Measured:
    hits, rows = int(values.sum()), len(values)
    low = round10(proportion_lower(hits, rows, setting.alpha))
    high = round10(proportion_upper(hits, rows, setting.alpha))
    share = hits / rows
    above, below = low > setting.limit, high < setting.limit
    return Measured(share, low, high, above, below, rows, share * (1 - share), "Clopper-Pearson", True)


def _discordant(change: FloatArray, setting: Setting) -> Measured:
    worse, better, rows = int((change < 0).sum()), int((change > 0).sum()), len(change)
    high = round10(-tango_lower(worse, better, rows, setting.alpha))
    low = round10(-tango_upper(worse, better, rows, setting.alpha))
    value, spread = (better - worse) / rows, (better + worse) / rows
    return Measured(value, low, high, low > setting.limit, high < setting.limit, rows, spread, "Tango", False)


def _wager(values: FloatArray, span: Span, setting: Setting) -> Measured:
    won = round10(math.log(1.0 / setting.alpha))
    inside = span[0] < setting.limit < span[1]
    above = inside and round10(mean_above_log_e(values, setting.limit, setting.alpha, span)) >= won
    below = inside and round10(mean_below_log_e(values, setting.limit, setting.alpha, span)) >= won
    low, high = mean_bounds(values, setting.alpha, span)
    value = float(values.mean())
    spread = float((values**2).mean()) if span[0] < 0 else float(values.var())
    low, high = min(low, value), max(high, value)
    return Measured(value, low, high, above and not below, below and not above, len(values), spread, "wager", True)


def _area(pairs: Pairs, other: Pairs | None, setting: Setting) -> Measured:
    labels = pairs.positive.astype(np.int64)
    draw = Draw(setting.rows.units, setting.rows.seed)
    found: AucBounds
    if other is None:
        found = auc_bounds(labels, pairs.scores, setting.alpha, draw)
    else:
        found = auc_difference_bounds(labels, pairs.scores, other.scores, setting.alpha, draw)
    names = {"delong": "DeLong", "bootstrap": "bootstrap-t", "pairs": "wager on pairs"}
    bounds = Bounds(found.estimate, found.lower, found.upper)
    return _between(bounds, len(labels), (names[found.method], found.exact), setting)


def _resampled(sample: Sample, other: Sample | None, setting: Setting) -> Measured:
    codes = setting.rows.units
    units = np.arange(len(setting.rows.order)) if codes is None else codes
    number = int(units.max()) + 1
    if number < UNITS_MIN:
        what = "rows" if codes is None else "units"
        raise Unfit(f"{number} {what} are too few to bound {sample.metric.name}; it needs {UNITS_MIN} at least")
    draws = _draws([sample] if other is None else [sample, other], units)
    estimate, error = draws(np.ones((1, number)))
    if other is not None and estimate[0] == error[0] == 0.0 and number >= EQUAL_ROWS_MIN:
        return _between(Bounds(0.0, 0.0, 0.0), number, ("equal answers", False), setting)
    found = bootstrap_t(draws, number, setting.alpha, setting.rows.seed)
    return _between(found, number, ("bootstrap-t", False), setting)


def _draws(samples: Sequence[Sample], units: IntArray) -> Resampled:
    ranked = [sample.way.influence for sample in samples if isinstance(sample.way, Ranked)]
    if ranked:
        return resampled(ranked, units)
    totals = [sample.way for sample in samples if isinstance(sample.way, Totals)]
    width = totals[0].rows.shape[1]

    def metric(sums: FloatArray) -> FloatArray:
        first, rest = totals[0].metric(sums[..., :width]), totals[1:]
        return first - rest[0].metric(sums[..., width:]) if rest else first

    columns = [column for part in totals for column in part.rows.T]
    return of_totals(as_sums(columns, units.astype(float)), metric)


def _between(found: Bounds, number: int, way: tuple[str, bool], setting: Setting) -> Measured:
    low, high = round10(found.lower), round10(found.upper)
    above, below = low > setting.limit, high < setting.limit
    spread = number * _squared_error(low, high, setting.alpha)
    return Measured(round10(found.estimate), low, high, above, below, number, spread, *way)


def _squared_error(low: float, high: float, alpha: float) -> float:
    return ((high - low) / (2 * normal_quantile(1 - alpha))) ** 2 if math.isfinite(high - low) else math.nan


def _unit_means(values: FloatArray, units: IntArray | None) -> FloatArray:
    if units is None:
        return values
    return np.asarray(np.bincount(units, weights=values) / np.bincount(units))
