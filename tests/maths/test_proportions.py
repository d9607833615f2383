"""Bounds of shares and of differences of shares."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom, multinomial
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.proportion import test_proportions_2indep as score_test

from windlass.maths.proportions import (
    difference_lower,
    difference_upper,
    nurminen_score,
    proportion_lower,
    proportion_upper,
    tango_lower,
    tango_score,
    tango_upper,
)

TABLES = [(12, 10, 1_000), (0, 0, 80), (5, 0, 60), (0, 7, 60), (40, 60, 200), (1, 1, 50)]


@pytest.mark.parametrize(("hits", "rows"), [(0, 10), (10, 10), (3, 10), (70, 1_000), (999, 1_000)])
def test_clopper_pearson_is_statsmodels_beta_interval(hits: int, rows: int) -> None:
    """Both bounds equal statsmodels' exact interval of twice the error rate."""
    expected = proportion_confint(hits, rows, alpha=0.1, method="beta")
    found = (proportion_lower(hits, rows, 0.05), proportion_upper(hits, rows, 0.05))
    assert np.allclose(expected, found)


def test_clopper_pearson_errs_at_most_alpha() -> None:
    """By enumeration of all outcomes of 25 rows, the true share is above the bound in at most 5 % of cases."""
    bounds = [proportion_upper(hits, 25, 0.05) for hits in range(26)]
    for share in np.linspace(0.02, 0.98, 25):
        assert sum(binom.pmf(hits, 25, share) for hits in range(26) if bounds[hits] < share) <= 0.05


@pytest.mark.parametrize(("worse", "better", "rows"), TABLES)
def test_tango_at_no_difference_is_mcnemar(worse: int, better: int, rows: int) -> None:
    """At difference 0 the squared score is McNemar's statistic."""
    if worse + better == 0:
        assert tango_score(worse, better, rows, 0.0) == 0.0
        return
    table = [[rows - worse - better, worse], [better, 0]]
    expected = mcnemar(table, exact=False, correction=False).statistic
    assert pytest.approx(expected) == tango_score(worse, better, rows, 0.0) ** 2


@pytest.mark.parametrize(("worse", "better", "rows"), TABLES)
@pytest.mark.parametrize("difference", [-0.3, -0.01, 0.02, 0.2])
def test_tango_standardises_with_the_likeliest_table(worse: int, better: int, rows: int, difference: float) -> None:
    """The variance in the score is that of the table that is likeliest under the hypothesised difference."""

    def unlikely(q: float) -> float:
        cells = ((worse, q + difference), (better, q), (rows - worse - better, 1 - 2 * q - difference))
        return -sum(count * math.log(max(share, 1e-300)) for count, share in cells if count)

    low, high = max(0.0, -difference), (1.0 - difference) / 2.0
    q = minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    expected = (worse - better - rows * difference) / math.sqrt(rows * (2 * q + difference * (1 - difference)))
    assert pytest.approx(expected, rel=1e-4) == tango_score(worse, better, rows, difference)


@pytest.mark.parametrize(("worse", "better", "rows"), TABLES)
def test_tango_bounds_are_where_the_score_meets_the_quantile(worse: int, better: int, rows: int) -> None:
    """At its bounds the score is the normal quantile, and swapping the models mirrors the bounds."""
    low, high = tango_lower(worse, better, rows, 0.05), tango_upper(worse, better, rows, 0.05)
    assert pytest.approx(-1.6448536, abs=1e-6) == tango_score(worse, better, rows, high)
    assert pytest.approx(1.6448536, abs=1e-6) == tango_score(worse, better, rows, low)
    assert (-high, -low) == (tango_lower(better, worse, rows, 0.05), tango_upper(better, worse, rows, 0.05))
    assert low <= (worse - better) / rows <= high


def test_all_rows_worse_reach_the_end() -> None:
    """Where every row is worse, the upper bound is 1 and the lower one is far above 0."""
    assert tango_upper(5, 0, 5, 0.05) == 1.0
    assert 0.2 < tango_lower(5, 0, 5, 0.05) < 1.0


def test_without_a_discordant_row_the_bound_is_that_of_zero_hits() -> None:
    """No discordant row in n leaves z^2 / (n + z^2), not zero."""
    z2 = 1.6448536**2
    assert pytest.approx(z2 / (100 + z2), abs=1e-7) == tango_upper(0, 0, 100, 0.05)


def test_tango_passes_wrongly_in_at_most_6_1_per_cent_from_fifty_rows_on() -> None:
    """Enumerating all tables of 50 and 90 rows at the margin itself, a wrong pass happens in at most 6.1 %."""
    for rows in (50, 90):
        for margin, discordant in ((0.02, 0.06), (0.05, 0.15), (0.05, 0.4)):
            worse, better = (discordant + margin) / 2, (discordant - margin) / 2
            assert 0.01 < _wrong_passes(rows, margin, (worse, better)) <= 0.061


def _wrong_passes(rows: int, margin: float, shares: tuple[float, float]) -> float:
    law = multinomial(rows, [*shares, 1 - sum(shares)])
    tables = [(b, c) for b, c in _tables(rows) if tango_score(b, c, rows, margin) < -1.6448536]
    counts = np.array([(b, c, rows - b - c) for b, c in tables])
    return float(law.pmf(counts).sum())


def _tables(rows: int) -> Iterator[tuple[int, int]]:
    return ((b, c) for b in range(rows + 1) for c in range(rows + 1 - b))


@pytest.mark.parametrize(("first", "second"), [((12, 100), (10, 100)), ((3, 9), (60, 80)), ((0, 40), (5, 30))])
@pytest.mark.parametrize("difference", [-0.2, -0.02, 0.05, 0.3])
def test_nurminen_standardises_with_the_likeliest_pair(
    first: tuple[int, int], second: tuple[int, int], difference: float
) -> None:
    """The variance is that of the two shares that are likeliest under the hypothesised difference."""
    (x1, n1), (x2, n2) = first, second

    def unlikely(p: float) -> float:
        cells = ((x1, p + difference), (n1 - x1, 1 - p - difference), (x2, p), (n2 - x2, 1 - p))
        return -sum(count * math.log(max(share, 1e-300)) for count, share in cells if count)

    bounds = (max(0.0, -difference), min(1.0, 1.0 - difference))
    p2 = minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-13}).x
    p1 = p2 + difference
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
    expected = (x1 / n1 - x2 / n2 - difference) / math.sqrt(variance)
    assert pytest.approx(expected, rel=1e-4) == nurminen_score(first, second, difference)


def test_nurminen_at_no_difference_is_statsmodels_score_test() -> None:
    """At difference 0 the score is statsmodels'; elsewhere its closed root takes counts for rows."""
    expected = score_test(31, 95, 45, 194, compare="diff", method="score").statistic
    assert pytest.approx(expected) == nurminen_score((31, 95), (45, 194), 0.0)


def test_nurminen_bounds_are_where_the_score_meets_the_quantile() -> None:
    """At its bounds the score is the normal quantile; swapping the groups mirrors them; extremes end at 1."""
    first, second = (12, 100), (10, 110)
    low, high = difference_lower(first, second, 0.05), difference_upper(first, second, 0.05)
    assert pytest.approx(-1.6448536, abs=1e-6) == nurminen_score(first, second, high)
    assert pytest.approx(1.6448536, abs=1e-6) == nurminen_score(first, second, low)
    assert (-high, -low) == (difference_lower(second, first, 0.05), difference_upper(second, first, 0.05))
    assert difference_upper((10, 10), (0, 10), 0.05) == 1.0
    assert -0.3 < difference_lower((0, 10), (0, 10), 0.05) < 0.0 < difference_upper((0, 10), (0, 10), 0.05) < 0.3


@pytest.mark.parametrize(
    ("hits", "rows", "alpha"), [(1, 0, 0.05), (2, 1, 0.05), (-1, 5, 0.05), (1, 5, 0.0), (1, 5, 1.0)]
)
def test_counts_that_do_not_fit_are_refused(hits: int, rows: int, alpha: float) -> None:
    """Hits above rows, no rows, negative counts and error rates that are none are errors."""
    for bound in (proportion_lower, proportion_upper):
        with pytest.raises(ValueError, match=r"rows|alpha"):
            bound(hits, rows, alpha)
    with pytest.raises(ValueError, match=r"rows|alpha"):
        tango_upper(hits, 0, rows, alpha)
    with pytest.raises(ValueError, match=r"rows|alpha"):
        difference_upper((hits, rows), (1, 2), alpha)
    with pytest.raises(ValueError, match="3 worse and 3 better rows do not fit into 5 rows"):
        tango_upper(3, 3, 5, 0.05)
