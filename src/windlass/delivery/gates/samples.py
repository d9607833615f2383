"""A metric's rows of one release: what each row adds, and what the sum means.

Definitions are scikit-learn's; the tests compare them. Where a metric is a plain mean the values of the rows are kept
beside the totals, because a mean has sharper bounds than a function of totals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from windlass.delivery.gates.metrics import Kind, Metric
from windlass.delivery.gates.ranked import AveragePrecision, Balanced, Influence
from windlass.delivery.gates.rows import Answers, Ordered, Unfit, numbers
from windlass.maths.auc import auc
from windlass.maths.counts import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]
OfTotals = Callable[[FloatArray], FloatArray]  # totals (..., k) -> metric (...)

PROBABILITY_MIN = float(np.finfo(np.float64).eps)  # where scikit-learn clips, so that one sure mistake stays finite
TARGET_MIN = float(np.finfo(np.float64).eps)  # the least size by which a percentage error is divided


@dataclass(frozen=True, slots=True)
class Totals:
    """What each row adds to the totals, shape (rows, k), and the metric of totals."""

    rows: FloatArray
    metric: OfTotals

    @property
    def value(self) -> float:
        """The metric over all rows."""
        return float(self.metric(self.rows.sum(axis=0)))


@dataclass(frozen=True, slots=True)
class Mean:
    """What each row adds to a plain mean, from 0 to 1, over the rows that `used` marks."""

    values: FloatArray
    used: BoolArray

    @property
    def kept(self) -> FloatArray:
        """The values of the rows that count."""
        return self.values[self.used]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Positive rows, and the score of each row: the area under the ROC curve."""

    positive: BoolArray
    scores: FloatArray

    @property
    def value(self) -> float:
        """The metric over all rows."""
        return auc(self.scores[self.positive], self.scores[~self.positive])


@dataclass(frozen=True, slots=True)
class Ranked:
    """The influence of each row on a metric that has no totals."""

    influence: Influence
    rows: int

    @property
    def value(self) -> float:
        """The metric over all rows."""
        return float(self.influence(np.ones((1, self.rows)))[0][0])


@dataclass(frozen=True, slots=True)
class Sample:
    """One metric's rows of one release, in judging order. `mean` is there where the metric is a plain mean."""

    metric: Metric
    way: Totals | Pairs | Ranked
    mean: Mean | None = None


def sample_of(metric: Metric, rows: Ordered, answers: Answers) -> Sample:
    """What the rows add to a metric of one release.

    Raises:
        Unfit: labels or answers do not carry this metric; the message says why.
    """
    if metric.numeric:
        return Sample(metric, _numeric(metric, rows, answers))
    if metric.name == "log_loss":
        return Sample(metric, _log_loss(rows, answers))
    if metric.scored:
        return _scored(metric, rows, answers)
    return _classified(metric, rows, answers)


def _numeric(metric: Metric, rows: Ordered, answers: Answers) -> Totals:
    truth = numbers("labels", rows.labels)
    error = numbers("predictions", _predictions(metric, rows, answers)) - truth
    match metric.name:
        case "mae":
            return _averaged(np.abs(error))
        case "mape":
            return _averaged(np.abs(error) / np.maximum(np.abs(truth), TARGET_MIN))
        case "rmse":
            return Totals(_averaged(error**2).rows, lambda totals: np.sqrt(np.maximum(_mean(totals), 0.0)))
        case _:
            if np.ptp(truth) == 0:
                raise Unfit("every label is the same number, so r2 has nothing to explain")
            centred = truth - truth.mean()
            return Totals(np.column_stack([error**2, centred, centred**2, np.ones(len(error))]), _r2)


def _log_loss(rows: Ordered, answers: Answers) -> Totals:
    if answers.probability is None:
        raise Unfit("log_loss needs probabilities, and the model answers a class only; use accuracy")
    place = {name: index for index, name in enumerate(answers.classes)}
    for label in classes_of(rows.labels):
        if label not in place:
            raise _no_probability(label, answers)
    given = np.array(_in_order(rows, answers.probability), dtype=float)
    own = np.array([place[label] for label in rows.labels], dtype=np.int64)
    sure = given[np.arange(len(own)), own] / given.sum(axis=1)
    return _averaged(-np.log(np.clip(sure, PROBABILITY_MIN, 1.0)))


def _scored(metric: Metric, rows: Ordered, answers: Answers) -> Sample:
    positive, scores = _positive(metric, rows), _scores(metric, rows, answers)
    if metric.kind is Kind.PAIRS:
        return Sample(metric, Pairs(positive, scores))
    if metric.kind is Kind.RANKED:
        return Sample(metric, Ranked(AveragePrecision(positive, scores), len(scores)))
    if scores.min() < 0 or scores.max() > 1:
        raise Unfit(f"{metric.name} needs probabilities from 0 to 1, and this model's score is none")
    squares = (scores - positive) ** 2
    return Sample(metric, _averaged(squares), _whole(squares))


def _classified(metric: Metric, rows: Ordered, answers: Answers) -> Sample:
    truth, said = rows.labels, _predictions(metric, rows, answers)
    _comparable(truth, said)
    right = np.array([a == b for a, b in zip(truth, said, strict=True)], dtype=float)
    if metric.name == "accuracy":
        return Sample(metric, _averaged(right), _whole(right))
    if metric.kind is Kind.RANKED:
        return Sample(metric, Ranked(Balanced(_members(metric, truth), right), len(right)))
    positive = _positive(metric, rows)
    chosen = positive_class(rows)
    called = np.array([value == chosen for value in said])
    hits = (positive & called).astype(float)
    match metric.name:
        case "recall":
            return Sample(metric, Totals(np.column_stack([hits, positive]), _mean), Mean(hits, positive))
        case "precision":
            if not called.any():
                raise Unfit("no row is predicted positive, so precision is not defined")
            return Sample(metric, Totals(np.column_stack([hits, called]), _mean), Mean(hits, called))
        case _:
            return Sample(metric, Totals(np.column_stack([2 * hits, positive.astype(float) + called]), _mean))


def positive_class(rows: Ordered) -> Any:
    """The class that scores speak of: the declared one, else the last label in their order, as in scikit-learn."""
    declared = rows.positive
    return classes_of(rows.labels)[-1] if declared is None else declared


def classes_of(labels: Sequence[Any]) -> list[Any]:
    """The different labels in order: numbers by size, then everything else by its text."""
    return sorted(set(labels), key=_rank)


def _rank(label: Any) -> tuple[int, float, str]:
    return (0, float(label), "") if isinstance(label, (int, float)) else (1, 0.0, str(label))


def _members(metric: Metric, truth: Sequence[Any]) -> IntArray:
    classes = classes_of(truth)
    if len(classes) == 1:
        raise Unfit(f"every row has the label {classes[0]!r}; {metric.name} needs two classes")
    place = {name: index for index, name in enumerate(classes)}
    return np.array([place[label] for label in truth], dtype=np.int64)


def _positive(metric: Metric, rows: Ordered) -> BoolArray:
    classes = classes_of(rows.labels)
    if len(classes) == 1:
        raise Unfit(f"every row has the label {classes[0]!r}; {metric.name} needs both classes")
    if len(classes) > 2:
        raise Unfit(
            f"{metric.name} needs two classes, the labels have {len(classes)}; use balanced_accuracy or log_loss"
        )
    chosen = positive_class(rows)
    if chosen not in classes:
        raise Unfit(f"no row has the positive label {chosen!r}; the labels are {classes[0]!r} and {classes[1]!r}")
    return np.array([label == chosen for label in rows.labels])


def _scores(metric: Metric, rows: Ordered, answers: Answers) -> FloatArray:
    if answers.score is not None:
        return numbers("scores", _in_order(rows, answers.score))
    if answers.probability is None:
        raise Unfit(
            f"{metric.name} needs a score or a probability, and the model answers a class only; "
            "name a score under data:, or use accuracy"
        )
    chosen = positive_class(rows)
    column = next((index for index, name in enumerate(answers.classes) if name == chosen), None)
    if column is None:
        raise _no_probability(chosen, answers)
    return numbers("probabilities", [row[column] for row in _in_order(rows, answers.probability)])


def _no_probability(label: Any, answers: Answers) -> Unfit:
    return Unfit(f"the model has no probability for the class {label!r}; it knows {list(answers.classes)!r}")


def _comparable(truth: Sequence[Any], said: Sequence[Any]) -> None:
    if not {isinstance(value, str) for value in truth} & {isinstance(value, str) for value in said}:
        raise Unfit(f"labels and predictions are of different kinds: {truth[0]!r} and {said[0]!r}")


def _predictions(metric: Metric, rows: Ordered, answers: Answers) -> list[Any]:
    if not answers.prediction:
        raise Unfit(f"{metric.name} needs predictions, and there is only a score")
    return _in_order(rows, answers.prediction)


def _in_order(rows: Ordered, values: Sequence[Any]) -> list[Any]:
    return [values[index] for index in rows.order]


def _averaged(values: FloatArray) -> Totals:
    return Totals(np.column_stack([values, np.ones(len(values))]), _mean)


def _whole(values: FloatArray) -> Mean:
    return Mean(values, np.ones(len(values), dtype=bool))


def _mean(totals: FloatArray) -> FloatArray:
    hits, rows = totals[..., 0], totals[..., 1]
    return np.asarray(np.divide(hits, rows, out=np.full(rows.shape, np.nan), where=rows != 0))


def _r2(totals: FloatArray) -> FloatArray:
    squares, sums, spread, rows = (totals[..., part] for part in range(4))
    around = spread - sums**2 / rows
    return np.asarray(1.0 - np.divide(squares, around, out=np.full(squares.shape, np.nan), where=around > 0))
