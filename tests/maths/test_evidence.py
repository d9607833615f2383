"""Joining e-values, naming culprits, rounding and showing."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from windlass.maths.evidence import culprits, e_value, log_of_sum, log_sum_exp, mean_log_e
from windlass.maths.rounding import round10


def test_the_mean_of_e_values_is_taken_in_logarithms() -> None:
    """The mean is that of the e-values, scaled weights, and huge evidence does not overflow."""
    assert pytest.approx(math.log(0.8 * 100 + 0.2 * 3)) == mean_log_e([0.8, 0.2], [math.log(100), math.log(3)])
    assert pytest.approx(math.log(0.8 * 100 + 0.2 * 3)) == mean_log_e([8, 2], [math.log(100), math.log(3)])
    assert pytest.approx(5_000 - math.log(2)) == mean_log_e([1, 1], [5_000, -5_000])


def test_a_lost_wager_leaves_the_others() -> None:
    """An e-value of zero takes only its own stake along."""
    assert pytest.approx(math.log(5)) == mean_log_e([1, 1], [-math.inf, math.log(10)])
    assert mean_log_e([1], [-math.inf]) == -math.inf
    assert log_sum_exp(np.array([math.inf, 0.0])) == log_of_sum([math.inf, 0.0]) == math.inf


@pytest.mark.parametrize(
    ("weights", "logs"), [([1], [0, 0]), ([], []), ([0], [1]), ([-1], [1]), ([math.inf], [1]), ([1], [math.nan])]
)
def test_a_mean_needs_positive_money_and_numbers(weights: Sequence[float], logs: Sequence[float]) -> None:
    """Other lengths, no money, and NaN are errors."""
    with pytest.raises(ValueError, match=r"weights|log_es"):
        mean_log_e(weights, logs)


def test_e_bh_names_the_largest_set_that_brute_force_finds() -> None:
    """The culprits are the k largest e-values for the greatest k whose k-th reaches K / (alpha k)."""
    rng = np.random.default_rng(41)
    for _ in range(200):
        log_es = rng.normal(1.0, 2.5, 12)
        order = np.argsort(-log_es)
        k = max([0, *(i for i in range(1, 13) if np.exp(log_es[order[i - 1]]) >= 12 / (0.1 * i))])
        assert tuple(sorted(order[:k].tolist())) == culprits(log_es.tolist(), 0.1)
    assert culprits([]) == ()


def test_e_bh_needs_an_error_rate() -> None:
    """A share of innocents outside (0, 1) is an error."""
    with pytest.raises(ValueError, match="alpha"):
        culprits([1.0], 0.0)


def test_an_e_value_is_shown_with_ten_digits_and_without_overflow() -> None:
    """Evidence at the threshold is the threshold, and any evidence is a finite number."""
    assert e_value(math.log(100)) == 100.0
    assert e_value(math.log(20)) == 20.0
    assert e_value(-math.inf) == 0.0
    assert math.isfinite(e_value(1e9)) and e_value(1e9) > 1e299


@pytest.mark.parametrize(
    ("value", "rounded"), [(1 / 3, 0.3333333333), (123456789012.0, 123456789000.0), (0.0, 0.0), (-math.inf, -math.inf)]
)
def test_rounding_keeps_ten_digits(value: float, rounded: float) -> None:
    """Ten significant digits stay, whatever the magnitude."""
    assert rounded == round10(value)
    assert round10(value) == round10(round10(value))


def test_nan_is_never_a_statistic() -> None:
    """A missing number cannot be rounded into one."""
    with pytest.raises(ValueError, match="NaN"):
        round10(math.nan)
