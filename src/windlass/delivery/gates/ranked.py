"""Metrics that are no function of totals, with what one more copy of each row would move: ready for resampling.

`Influence` takes weights of rows, shape (draws, rows), and gives the metric of each draw and the influence of each row.
The difference of two metrics on the same rows is the difference of both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from windlass.maths.bootstrap import Resampled
from windlass.maths.counts import FloatArray, IntArray

Influence = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True)
class Balanced:
    """Balanced accuracy: the mean over classes of the share of right rows. `members` numbers the class of each row."""

    members: IntArray
    right: FloatArray

    def __call__(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        classes = int(self.members.max()) + 1
        member = np.eye(classes)[self.members]
        counts = weights @ member
        recalls = _ratio(weights @ (member * self.right[:, None]), counts)
        present = np.maximum((counts > 0).sum(axis=1, keepdims=True), 1)
        own = counts[:, self.members]
        return recalls.sum(axis=1) / present[:, 0], _ratio(self.right - recalls[:, self.members], own * present)


class AveragePrecision:
    """Average precision as scikit-learn sums it: precision at each score, weighted by the positives found there."""

    def __init__(self, positive: npt.NDArray[np.bool_], scores: FloatArray) -> None:
        self._order = np.argsort(-scores, kind="stable")
        fresh = np.diff(scores[self._order], prepend=np.inf) != 0.0
        self._firsts = np.flatnonzero(fresh)
        self._group = np.cumsum(fresh) - 1
        self._positive = positive[self._order]

    def __call__(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        ordered = weights[:, self._order]
        found = np.add.reduceat(ordered * self._positive, self._firsts, axis=1)
        true, called = np.cumsum(found, axis=1), np.cumsum(np.add.reduceat(ordered, self._firsts, axis=1), axis=1)
        precision = _ratio(true, called)
        positives = true[:, -1:]
        value = _ratio((found * precision).sum(axis=1, keepdims=True), positives)
        gain = _from_here(_ratio(found * (called - true), called**2)) + precision - value
        loss = -_from_here(_ratio(found * true, called**2))
        moved = np.where(self._positive, gain[:, self._group], loss[:, self._group])
        influence = np.empty_like(moved)
        influence[:, self._order] = _ratio(moved, positives)
        return value[:, 0], influence


def resampled(parts: Sequence[Influence], units: IntArray) -> Resampled:
    """One metric, or the first minus the second, with standard errors over whole units, for `bootstrap_t`."""
    by_unit = np.argsort(units, kind="stable")
    firsts = np.flatnonzero(np.diff(units[by_unit], prepend=-1))

    def draw(weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        found = [part(weights[:, units]) for part in parts]
        value, influence = found[0]
        for other_value, other_influence in found[1:]:
            value, influence = value - other_value, influence - other_influence
        moved = np.add.reduceat(influence[:, by_unit], firsts, axis=1)
        return value, np.sqrt((weights * moved**2).sum(axis=1))

    return draw


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """The quotient, 0 where nothing was drawn."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    return np.divide(above, below, out=np.zeros(shape), where=np.broadcast_to(below, shape) != 0)


def _from_here(values: FloatArray) -> FloatArray:
    return np.asarray(np.cumsum(values[:, ::-1], axis=1)[:, ::-1])
