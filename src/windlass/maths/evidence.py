"""E-values: joining them, naming culprits, showing them.

The mean of e-values with weights fixed beforehand is an e-value under any dependence between them (Vovk and Wang 2021,
Annals of Statistics 49(3), "E-values: calibration, combination and applications"). Products would need independence,
which errors and latency of the same requests do not have.
"""

import math
from collections.abc import Sequence

import numpy as np

from windlass.maths.counts import FloatArray, Floats, inside
from windlass.maths.rounding import round10

SHOWN_LOG_MAX = 690.0  # exp of more does not fit a float


def log_sum_exp(values: FloatArray) -> FloatArray:
    """The logarithm of the sum of exponentials along the last axis, without overflow."""
    peak = values.max(axis=-1, keepdims=True)
    if all(map(math.isfinite, peak.ravel().tolist())):
        return np.asarray(np.log(np.exp(values - peak).sum(axis=-1)) + peak[..., 0], dtype=np.float64)
    peak = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.exp(values - peak).sum(axis=-1))
    return np.asarray(total + peak[..., 0], dtype=np.float64)


def log_of_sum(values: Sequence[float]) -> float:
    """`log_sum_exp` of one row; with a dozen or two of numbers plain Python takes a third of numpy's time."""
    peak = max(values)
    return peak + math.log(math.fsum([math.exp(value - peak) for value in values])) if math.isfinite(peak) else peak


def mean_log_e(weights: Floats, log_es: Floats) -> float:
    """The logarithm of the weighted mean of e-values.

    Args:
        weights: the money on each, positive, fixed before the data; they are scaled to sum 1.
        log_es: natural logarithms of e-values, same length; minus infinity is a lost wager.

    Raises:
        ValueError: the lengths differ, a weight is not positive, or a value is NaN.

    >>> round(mean_log_e([0.5, 0.5], [0.0, 0.0]), 12)
    0.0
    """
    if len(weights) != len(log_es) or len(weights) == 0:
        raise ValueError(f"weights and log_es must be rows of the same length, got {len(weights)} and {len(log_es)}")
    if not all(0.0 < money < math.inf for money in weights):
        raise ValueError("weights: each must be positive and finite")
    if any(map(math.isnan, log_es)):
        raise ValueError("log_es: a value is NaN")
    total = sum(weights)
    return log_of_sum([math.log(money / total) + log_e for money, log_e in zip(weights, log_es, strict=True)])


def e_value(log_e: float) -> float:
    """The e-value itself, rounded to ten digits, for comparing with a threshold and for showing.

    >>> e_value(0.0)
    1.0
    """
    return round10(float(np.exp(min(log_e, SHOWN_LOG_MAX))))


def culprits(log_es: Sequence[float], alpha: float = 0.05) -> tuple[int, ...]:
    """The positions named by e-BH: among them at most a share `alpha` is expected to be innocent.

    Sort the K e-values downwards and name the first k, where k is the largest i whose i-th e-value reaches
    K / (alpha i). Valid under any dependence.

    Source: Wang and Ramdas 2022, JRSS B 84(3), "False discovery rate control with e-values".

    >>> culprits([9.0, 0.0, 5.0, 0.0])
    (0, 2)
    """
    inside("alpha", alpha, 0.0, 1.0)
    number = len(log_es)
    order = sorted(range(number), key=lambda i: (-log_es[i], i))
    named = 0
    for rank, i in enumerate(order, start=1):
        if round10(log_es[i]) >= round10(float(np.log(number / (alpha * rank)))):
            named = rank
    return tuple(sorted(order[:named]))
