"""What a gate can measure, by scikit-learn's names, and which way is better.

Names only: `samples.py` computes them. The kind says which method bounds a metric, `docs/explanation/evidence.md` why.
"""

import math
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a metric is made from rows."""

    SHARE = "share"  # a mean of 0 and 1, over all rows or some of them
    BOUNDED = "bounded"  # a mean of values from 0 to 1
    PAIRS = "pairs"  # pairs of rows in the right order: the area under the ROC curve
    TOTALS = "totals"  # a function of totals over rows
    RANKED = "ranked"  # neither: resampled with the influence of each row


@dataclass(frozen=True, slots=True)
class Metric:
    """`scorer` is scikit-learn's name; `unit` is share (0 to 1, differences are points) or number.

    `low` and `high` are the values between which a threshold makes sense, both excluded.
    """

    name: str
    scorer: str
    kind: Kind
    higher: bool = True
    unit: str = "share"
    binary: bool = False
    numeric: bool = False  # labels are numbers, not classes
    scored: bool = False  # needs a score or a probability, not only a predicted class
    low: float = 0.0
    high: float = 1.0


_ALL = (
    Metric("accuracy", "accuracy", Kind.SHARE),
    Metric("balanced_accuracy", "balanced_accuracy", Kind.RANKED),
    Metric("roc_auc", "roc_auc", Kind.PAIRS, binary=True, scored=True),
    Metric("average_precision", "average_precision", Kind.RANKED, binary=True, scored=True),
    Metric("f1", "f1", Kind.TOTALS, binary=True),
    Metric("precision", "precision", Kind.SHARE, binary=True),
    Metric("recall", "recall", Kind.SHARE, binary=True),
    Metric("log_loss", "neg_log_loss", Kind.TOTALS, higher=False, unit="number", scored=True, high=math.inf),
    Metric("brier", "neg_brier_score", Kind.BOUNDED, higher=False, binary=True, scored=True),
    Metric("mae", "neg_mean_absolute_error", Kind.TOTALS, False, "number", numeric=True, high=math.inf),
    Metric("rmse", "neg_root_mean_squared_error", Kind.TOTALS, False, "number", numeric=True, high=math.inf),
    Metric("mape", "neg_mean_absolute_percentage_error", Kind.TOTALS, False, numeric=True, high=math.inf),
    Metric("r2", "r2", Kind.TOTALS, numeric=True, low=-math.inf),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}

# What people write for them elsewhere.
OTHER_NAMES: dict[str, str] = {
    **{metric.scorer: metric.name for metric in _ALL if metric.scorer != metric.name},
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "f1_score": "f1",
    "logloss": "log_loss",
    "mean_absolute_error": "mae",
    "root_mean_squared_error": "rmse",
    "mean_absolute_percentage_error": "mape",
    "r2_score": "r2",
    "brier_score": "brier",
    "sensitivity": "recall",
}
