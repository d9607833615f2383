"""The cluster bootstrap-t."""

import numpy as np
import pytest
from scipy.stats import t

from windlass.maths.bootstrap import as_sums, bootstrap_t, of_totals
from windlass.maths.counts import FloatArray

RNG = np.random.default_rng(31)


def mean_of(total: FloatArray) -> FloatArray:
    return np.asarray(total[..., 0] / total[..., 1])


def test_the_mean_of_normal_rows_has_students_bounds() -> None:
    """For a mean of normal rows the bootstrap-t comes close to Student's bounds."""
    rows = RNG.normal(size=80)
    found = bootstrap_t(of_totals(as_sums([rows, np.ones(80)]), mean_of), 80, 0.05, seed=1)
    reach = t.ppf(0.95, 79) * rows.std(ddof=1) / np.sqrt(80)
    assert pytest.approx(rows.mean()) == found.estimate
    assert np.allclose((rows.mean() - reach, rows.mean() + reach), (found.lower, found.upper), atol=0.15 * reach)


def test_a_skewed_mean_gets_the_longer_side() -> None:
    """For a mean of many zeros and few large rows the upper bound lies further away than the lower."""
    rows = np.repeat([0.0, 1.0], [190, 10])
    found = bootstrap_t(of_totals(as_sums([rows, np.ones(200)]), mean_of), 200, 0.05, seed=1)
    assert found.upper - found.estimate > 1.3 * (found.estimate - found.lower)


def test_rows_of_one_unit_move_together() -> None:
    """Copies within a unit widen nothing and tighten nothing."""
    rows = RNG.normal(size=60)
    alone = bootstrap_t(of_totals(as_sums([rows, np.ones(60)]), mean_of), 60, 0.05, seed=2)
    sums = as_sums([np.repeat(rows, 3), np.ones(180)], np.repeat(np.arange(60), 3))
    together = bootstrap_t(of_totals(sums, mean_of), 60, 0.05, seed=2)
    assert (60, 2) == sums.shape
    assert np.allclose((alone.lower, alone.upper), (together.lower, together.upper))


def test_the_seed_decides_the_draws() -> None:
    """The same rows and seed give the same bound, another seed a slightly different one."""
    resampled = of_totals(as_sums([RNG.normal(size=40), np.ones(40)]), mean_of)
    assert bootstrap_t(resampled, 40, 0.05, 7) == bootstrap_t(resampled, 40, 0.05, 7)
    assert bootstrap_t(resampled, 40, 0.05, 7) != bootstrap_t(resampled, 40, 0.05, 8)


def test_f1_of_two_models_is_compared_on_the_same_rows() -> None:
    """The difference of two F1 scores is bounded around its estimate, tighter than either score alone."""
    truth = RNG.random(400) < 0.4
    ours, theirs = (truth ^ (RNG.random(400) < wrong) for wrong in (0.15, 0.16))
    columns = [part.astype(float) for guess in (ours, theirs) for part in (truth & guess, truth ^ guess)]

    def gap(total: FloatArray) -> FloatArray:
        first, second = (2 * total[..., at] / (2 * total[..., at] + total[..., at + 1]) for at in (0, 2))
        return np.asarray(first - second)

    found = bootstrap_t(of_totals(as_sums(columns), gap), 400, 0.05, seed=3)
    assert found.lower < gap(as_sums(columns).sum(axis=0)) == found.estimate < found.upper
    assert found.upper - found.lower < 0.2


def test_data_without_spread_give_no_bound() -> None:
    """Equal rows, or an undefined metric, are bounded by infinity, never by themselves."""
    flat = bootstrap_t(of_totals(as_sums([np.ones(30), np.ones(30)]), mean_of), 30, 0.05, seed=4)
    assert (-np.inf, np.inf) == (flat.lower, flat.upper)
    nothing = bootstrap_t(of_totals(as_sums([np.zeros(30), np.zeros(30)]), mean_of), 30, 0.05, seed=4)
    assert np.isnan(nothing.estimate) and (-np.inf, np.inf) == (nothing.lower, nothing.upper)


def test_draws_that_tell_nothing_count_against_the_bound() -> None:
    """One odd row in thirty is missing in a third of the draws, which then have no spread: there is no bound."""
    found = bootstrap_t(of_totals(as_sums([np.eye(30)[0], np.ones(30)]), mean_of), 30, 0.05, seed=5)
    assert (-np.inf, np.inf) == (found.lower, found.upper)


def test_a_smaller_error_rate_takes_more_draws() -> None:
    """At an error rate that 1,999 draws cannot resolve, more are drawn and the bound is further out."""
    calls: list[int] = []
    plain = of_totals(as_sums([RNG.normal(size=40), np.ones(40)]), mean_of)

    def counted(weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        calls.append(len(weights))
        return plain(weights)

    strict = bootstrap_t(counted, 40, 0.001, seed=6)
    assert sum(calls) == 1 + 9_999
    assert strict.lower < bootstrap_t(plain, 40, 0.05, seed=6).lower


def test_one_unit_is_no_sample() -> None:
    """A single unit cannot be resampled."""
    with pytest.raises(ValueError, match="at least two, got 1"):
        bootstrap_t(of_totals(np.ones((1, 2)), mean_of), 1, 0.05, seed=1)
    with pytest.raises(ValueError, match="alpha"):
        bootstrap_t(of_totals(np.ones((5, 2)), mean_of), 5, 0.0, seed=1)
