"""Power, labels short, spending of error, stakes, and requests still needed."""

import math

import numpy as np
import pytest
from scipy.stats import binom, norm
from statsmodels.stats.power import normal_sample_size_one_tail

from windlass.maths.normal import normal_quantile
from windlass.maths.power import labels_short, margin_visible, rows_needed
from windlass.maths.quantiles import quantile_lower, quantile_upper, upper_rank, values_needed
from windlass.maths.spending import QUERIES_MAX, alpha_of_query
from windlass.maths.stakes import HARM_STAKES, harm_stakes
from windlass.maths.wagers import harm_log_e, limit_log_e, safety_log_e
from windlass.maths.waiting import clean_requests, harm_growth, limit_requests_needed, requests_needed, safety_growth


def test_the_normal_quantile_is_scipys_and_has_no_value_at_the_ends() -> None:
    """Quantiles agree with scipy; probabilities of 0 and 1 are errors."""
    for p in (1e-6, 0.3, 0.5, 0.95):
        assert pytest.approx(norm.ppf(p)) == normal_quantile(p)
    for p in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="p: must lie"):
            normal_quantile(p)


def test_rows_needed_are_those_of_statsmodels() -> None:
    """A margin of one point at a mean square of 0.06 takes 3,709.5 rows, so 3,710."""
    exact = normal_sample_size_one_tail(0.01, 0.8, 0.05, std_null=math.sqrt(0.06), std_alternative=math.sqrt(0.06))
    assert 3_709 < exact < 3_710
    assert rows_needed(0.01) == math.ceil(exact) == 3_710
    assert rows_needed(0.02) < rows_needed(0.01) < rows_needed(0.01, alpha=0.01) < rows_needed(0.01, 0.2, 0.01)


def test_the_visible_margin_is_the_inverse() -> None:
    """So many rows see just the margin that needs them."""
    assert pytest.approx(0.01, rel=1e-3) == margin_visible(3_710)
    assert rows_needed(margin_visible(5_000)) in (5_000, 5_001)


def test_labels_short_count_from_what_is_there() -> None:
    """Labels short are those needed at the difference seen, less those there; none if it is not below the margin."""
    assert labels_short(1_000, 0.0, 0.06, 0.01) == rows_needed(0.01) - 1_000
    assert labels_short(10_000, 0.0, 0.06, 0.01) == 0
    assert labels_short(1_000, 0.005, 0.06, 0.01) == rows_needed(0.005) - 1_000
    assert labels_short(1_000, 0.01, 0.06, 0.01) is None


def test_planning_refuses_what_is_no_plan() -> None:
    """Margins, spreads, rates and rows outside their range are errors."""
    for words, call in (
        ("delta", lambda: rows_needed(0.0)),
        ("delta", lambda: rows_needed(math.nan)),
        ("mean_square", lambda: rows_needed(0.01, -1.0)),
        ("alpha", lambda: rows_needed(0.01, 0.06, 0.6)),
        ("power", lambda: rows_needed(0.01, 0.06, 0.05, 0.4)),
        ("rows", lambda: margin_visible(0)),
        ("rows", lambda: labels_short(0, 0.0, 0.06, 0.01)),
        ("mean", lambda: labels_short(10, math.nan, 0.06, 0.01)),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_the_error_of_all_queries_sums_to_alpha() -> None:
    """The first twenty queries spend less than alpha, and all that could ever be asked spend alpha."""
    spent = sum(alpha_of_query(query) for query in range(1, QUERIES_MAX + 1))
    assert 0.048 < spent < 0.05
    assert pytest.approx(0.05, rel=1e-3) == sum(0.05 * 6 / (math.pi**2 * k**2) for k in range(1, 2_000))
    assert pytest.approx(0.05 * 6 / math.pi**2) == alpha_of_query(1)


@pytest.mark.parametrize("query", [0, -1, QUERIES_MAX + 1])
def test_after_twenty_queries_a_holdout_is_spent(query: int) -> None:
    """Query 21 is refused with the way out, and there is no query before the first."""
    with pytest.raises(ValueError, match="fresh labelled rows"):
        alpha_of_query(query)


def test_stakes_are_scaled_to_the_families_in_use() -> None:
    """Missing families leave their money to the others; the default stakes sum to one."""
    assert pytest.approx(1.0) == sum(HARM_STAKES.values())
    assert {"errors": 0.8, "latency": 0.2} == harm_stakes(["latency", "errors"])
    assert {"latency": 1.0} == harm_stakes(["latency"])
    assert {"a": 0.25, "b": 0.75} == harm_stakes("ba", {"a": 1.0, "b": 3.0, "c": 9.0})


def test_a_family_without_a_stake_is_refused() -> None:
    """An unknown family, or none at all, is an error."""
    with pytest.raises(ValueError, match="no stake for quality"):
        harm_stakes(["errors", "quality"])
    with pytest.raises(ValueError, match="at least one family"):
        harm_stakes([])


def test_the_growth_is_what_the_wagers_gain_in_the_long_run() -> None:
    """Over a million requests the wagers gain their growth for each request, less the price of the mixture."""
    share, requests = 0.05, 1_000_000
    canary, control = round(requests * share * 0.02), round(requests * 0.95 * 0.01)
    gained = harm_log_e([canary], [control], [share]) / requests
    assert pytest.approx(harm_growth(0.02, 0.01, share), rel=0.03) == gained
    canary = round(requests * share * 0.01)
    gained = safety_log_e([canary], [control], [share]) / requests
    assert pytest.approx(safety_growth(0.01, 0.01, share), rel=0.1) == gained


def test_nothing_grows_under_the_null() -> None:
    """At equal rates harm does not grow, and at half as many again safety does not."""
    assert harm_growth(0.01, 0.01, 0.05) < 0 > safety_growth(0.015, 0.01, 0.05)
    assert harm_growth(0.03, 0.01, 0.05, ratio_null=3.0) < 0 < harm_growth(0.03, 0.01, 0.05, ratio_null=2.0)


def test_requests_needed_are_the_distance_over_the_growth() -> None:
    """What is missing divided by the growth; none if reached, unknown if it does not grow or never ends."""
    assert math.ceil(math.log(20) / 0.01) == requests_needed(0.0, 20.0, 0.01)
    assert requests_needed(math.log(20), 20.0, 0.01) == 0
    assert requests_needed(0.0, 20.0, 0.0) is None
    assert requests_needed(0.0, 20.0, 1e-300) is None
    for log_e, threshold, growth in ((math.nan, 20.0, 0.1), (0.0, 0.5, 0.1), (0.0, 20.0, math.nan)):
        with pytest.raises(ValueError, match=r"threshold|log_e"):
            requests_needed(log_e, threshold, growth)


def test_an_error_free_canary_needs_555_requests() -> None:
    """With the default limit of 1 % the averaged wager reaches 20 at 555 requests and not before."""
    needed = clean_requests(0.01)
    assert needed == 555
    for requests, enough in ((needed, True), (needed - 1, False)):
        assert enough == ((1 + math.exp(limit_log_e(0, requests, 0.01))) / 2 >= 20)
    assert clean_requests(0.01, 1.0) == 0
    assert clean_requests(0.001) > 5_000


@pytest.mark.parametrize(("bad", "requests"), [(0, 0), (0, 27), (0, 500), (1, 400), (2, 900)])
def test_so_many_more_requests_show_a_limit_kept(bad: int, requests: int) -> None:
    """As many as said, at the same share of bad ones, bring the averaged wager to 20, and a tenth fewer do not."""
    more = limit_requests_needed((bad, requests), 0.01, 0.0)
    assert more is not None and more > 0
    share = bad / max(1, requests)
    for total, enough in ((requests + more, True), (requests + round(0.9 * more), False)):
        assert enough == ((1 + math.exp(limit_log_e(round(share * total), total, 0.01))) / 2 >= 20)


def test_what_is_shown_needs_no_more_and_what_is_broken_never_is() -> None:
    """Nothing is missing above the threshold, by the limit's wager or by the other; a rate above the limit never
    shows it kept."""
    assert 0 == limit_requests_needed((0, 600), 0.01, 0.0)
    assert 0 == limit_requests_needed((0, 1), 0.01, math.log(40)) == limit_requests_needed((0, 1), 0.01, 1_000.0)
    assert limit_requests_needed((5, 100), 0.01, 0.0) is None


def test_a_limit_too_small_to_show_is_refused() -> None:
    """No number of requests shows a rate below one in 10^15."""
    with pytest.raises(ValueError, match="no number of requests"):
        clean_requests(1e-15)


@pytest.mark.parametrize("rate", [-0.1, 1.1, math.nan])
def test_rates_are_shares(rate: float) -> None:
    """A rate outside [0, 1] is an error."""
    with pytest.raises(ValueError, match="rate"):
        harm_growth(rate, 0.1, 0.05)


def test_p99_at_95_per_cent_needs_299_rows() -> None:
    """298 rows bound no p99; 299 bound it by their largest."""
    assert upper_rank(298, 0.99, 0.05) is None is quantile_upper([1.0] * 298, 0.99, 0.05)
    assert upper_rank(299, 0.99, 0.05) == 299
    assert quantile_upper(list(range(299)), 0.99, 0.05) == 298.0
    assert quantile_upper([], 0.5, 0.05) is None


@pytest.mark.parametrize(
    ("rows", "p", "alpha"), [(20, 0.5, 0.05), (500, 0.9, 0.01), (1_000, 0.99, 0.05), (1, 0.5, 0.6)]
)
def test_the_rank_is_the_least_that_the_binomial_allows(rows: int, p: float, alpha: float) -> None:
    """One rank lower would be below the quantile too often."""
    rank = upper_rank(rows, p, alpha)
    assert rank is not None
    assert binom.cdf(rank - 1, rows, p) >= 1 - alpha
    assert rank == 1 or binom.cdf(rank - 2, rows, p) < 1 - alpha


@pytest.mark.parametrize("p", [0.05, 0.5, 0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize("alpha", [0.5, 0.125, 0.05, 0.001])
def test_the_values_needed_are_the_fewest_with_a_bound(p: float, alpha: float) -> None:
    """So many rows bound the quantile, and one row fewer does not."""
    rows = values_needed(p, alpha)
    assert upper_rank(rows, p, alpha) == rows
    assert upper_rank(rows - 1, p, alpha) is None


def test_lower_and_upper_bounds_mirror_each_other() -> None:
    """The lower bound of a quantile is the upper one of the mirrored values, and both enclose it."""
    values = np.random.default_rng(51).exponential(size=700)
    low, high = quantile_lower(values, 0.9, 0.05), quantile_upper(values, 0.9, 0.05)
    mirrored = quantile_upper((-values).tolist(), 1 - 0.9, 0.05)
    assert low is not None and high is not None and mirrored is not None
    assert pytest.approx(-mirrored) == low
    assert low < np.quantile(values, 0.9) < high
    assert quantile_lower([1.0] * 3, 0.1, 0.05) is None


def test_quantiles_refuse_what_is_no_latency() -> None:
    """Infinite values and levels outside (0, 1) are errors."""
    with pytest.raises(ValueError, match="not finite"):
        quantile_upper([math.inf], 0.5, 0.05)
    with pytest.raises(ValueError, match="expected one row"):
        quantile_upper(np.ones((2, 2)), 0.5, 0.05)
    for p, alpha in ((0.0, 0.05), (1.0, 0.05), (0.5, 0.0)):
        with pytest.raises(ValueError, match=r"p:|alpha"):
            quantile_upper([1.0], p, alpha)
        with pytest.raises(ValueError, match=r"p:|alpha"):
            quantile_lower([1.0], p, alpha)
        with pytest.raises(ValueError, match=r"p:|alpha"):
            values_needed(p, alpha)
