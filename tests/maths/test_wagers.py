"""The wagers of a rollout against exact enumeration, an independent mixture and the published numbers."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.special import betaln

from windlass.maths.effects import effects
from windlass.maths.wagers import (
    Arms,
    common_harm_log_e,
    common_harm_log_es,
    harm_log_e,
    harm_log_es,
    limit_log_e,
    safety_log_e,
    safety_log_es,
    sample_ratio_log_e,
)

SHARE = 0.05


def test_effects_are_a_distribution_over_eighteen_ratios() -> None:
    """The money of a wager sums to 1, over log-spaced ratios from 1.1 to 40, most of it on small ones."""
    bets = effects()
    assert len(bets.ratios) == 18
    assert np.allclose([1.1, 40.0], bets.ratios[[0, -1]])
    assert pytest.approx(1.0) == bets.weights.sum()
    assert np.allclose(np.diff(np.log(bets.ratios)), math.log(40 / 1.1) / 17)
    expected = 1 / (1 + (math.log(40) / 0.7) ** 2)
    assert pytest.approx(expected / (1 / (1 + (math.log(1.1) / 0.7) ** 2))) == bets.weights[-1] / bets.weights[0]


def test_a_declared_effect_gets_half_of_the_money() -> None:
    """A declared smallest harmful ratio gets one half, and the standard effects share the other as before."""
    bets = effects(2.0)
    assert (19, 2.0, 0.5) == (len(bets.ratios), bets.ratios[-1], bets.weights[-1])
    assert np.allclose(effects().weights / 2, bets.weights[:-1])


@pytest.mark.parametrize("declared", [1.0, 0.5, math.nan, math.inf])
def test_a_declared_effect_is_a_ratio_above_one(declared: float) -> None:
    """Nothing at or below 1 is a harm."""
    with pytest.raises(ValueError, match="declared"):
        effects(declared)


def by_hand(canary: int, control: int, share: float, null: float, tilts: np.ndarray) -> float:
    """The mixture as its definition reads, one effect after the other, with fifty digits."""
    with localcontext() as context:
        context.prec = 50
        w, total = Decimal(share), Decimal(0)
        for tilt, weight in zip(tilts.tolist(), effects().weights.tolist(), strict=True):
            r0, r1 = Decimal(null), Decimal(null) * Decimal(tilt)
            th0, th1 = w * r0 / (w * r0 + 1 - w), w * r1 / (w * r1 + 1 - w)
            total += Decimal(weight) * (th1 / th0) ** canary * ((1 - th1) / (1 - th0)) ** control
        return float(total.ln())


@pytest.mark.parametrize(("canary", "control", "null"), [(7, 12, 1.0), (0, 30, 1.0), (9, 4, 2.5), (300, 2000, 1.0)])
def test_harm_is_the_mixture_of_likelihood_ratios(canary: int, control: int, null: float) -> None:
    """The harm wager is the weighted mean over effects of the likelihood ratio of who served each event."""
    expected = by_hand(canary, control, SHARE, null, effects().ratios)
    assert pytest.approx(expected, rel=1e-12) == harm_log_e([canary], [control], [SHARE], null)


@pytest.mark.parametrize(("canary", "control", "null"), [(7, 12, 1.5), (0, 30, 1.5), (10, 400, 2.0)])
def test_safety_is_the_same_wager_downwards(canary: int, control: int, null: float) -> None:
    """The safety wager bets on ratios below its null instead of above."""
    expected = by_hand(canary, control, SHARE, null, 1 / effects().ratios)
    assert pytest.approx(expected, rel=1e-12) == safety_log_e([canary], [control], [SHARE], null)


def test_seven_of_nineteen_errors_on_five_per_cent_are_harm() -> None:
    """7 of 19 errors on a canary with 5 % of the traffic are worth an e-value of about 979, far beyond 100."""
    assert pytest.approx(6.8857, abs=1e-4) == harm_log_e([7], [12], [SHARE])


def test_counts_of_a_million_millions_stay_exact() -> None:
    """Counts of 10^12 neither overflow nor lose the digits that matter."""
    for canary, control in ((10**12, 19 * 10**12), (10**12 + 10**7, 19 * 10**12)):
        with localcontext() as context:
            context.prec = 60
            terms = []
            for tilt, weight in zip(effects().ratios.tolist(), effects().weights.tolist(), strict=True):
                w, r = Decimal(SHARE), Decimal(tilt)
                loss = -(1 + w * (r - 1)).ln()
                terms.append(Decimal(weight).ln() + canary * (r.ln() + loss) + control * loss)
            expected = float(max(terms))
        assert pytest.approx(expected, rel=1e-9) == harm_log_e([canary], [control], [SHARE])


def test_the_chance_of_ever_crying_harm_is_at_most_alpha() -> None:
    """Enumerating every path of 40 events of equal releases, at most 1 in 20 ever reaches e = 20."""
    reached = _chance_of_ever_reaching(math.log(20), events=40, share=Fraction(1, 4))
    assert 0.005 < reached <= 0.05


def _chance_of_ever_reaching(level: float, events: int, share: Fraction) -> float:
    alive = {0: Fraction(1)}
    reached = Fraction(0)
    for event in range(1, events + 1):
        after: dict[int, Fraction] = {}
        for canary, chance in alive.items():
            for more, part in ((1, share), (0, 1 - share)):
                after[canary + more] = after.get(canary + more, Fraction(0)) + chance * part
        alive = {}
        for canary, chance in after.items():
            if harm_log_e([canary], [event - canary], [float(share)]) >= level:
                reached += chance
            else:
                alive[canary] = chance
    return float(reached)


def test_one_effect_is_the_sequential_probability_ratio_test() -> None:
    """With half of the money on the true effect, evidence is the likelihood ratio of that effect, less ln 2 at most."""
    canary, control, w, r = 60, 540, SHARE, 2.0
    theta = w * r / (w * r + 1 - w)
    sprt = canary * math.log(theta / w) + control * math.log((1 - theta) / (1 - w))
    found = harm_log_e([canary], [control], [SHARE], declared=r)
    assert sprt - math.log(2) <= found <= sprt + math.log(2)


def test_it_beats_the_beta_mixture_on_small_harm() -> None:
    """At 5 % share and twice the errors the mixture over harms outbids Lindon and Malek's two-sided beta mixture."""
    canary, control = 24, 228
    a, b = 1.0, 19.0
    beta_mixture = (
        betaln(a + canary, b + control) - betaln(a, b) - canary * math.log(SHARE) - control * math.log(1 - SHARE)
    )
    assert harm_log_e([canary], [control], [SHARE]) > beta_mixture > 0


def test_many_metrics_at_once_are_each_metric_alone() -> None:
    """Thirty metrics in one call get the very bits that each gets alone."""
    rng = np.random.default_rng(1)
    canary, control = rng.integers(0, 50, (30, 3)), rng.integers(0, 900, (30, 3))
    quiet = rng.integers(0, 900, (2, 30, 3))
    share, usual = [0.05, 0.25, 0.05], [0.5, 0.25, 0.5]
    for row in range(30):
        assert harm_log_es(canary, control, share)[row] == harm_log_e(canary[row], control[row], share)
        assert safety_log_es(canary, control, share)[row] == safety_log_e(canary[row], control[row], share)
        many = common_harm_log_es(Arms(canary, control), Arms(quiet[0], quiet[1]), share, usual)[row]
        alone = common_harm_log_e(Arms(canary[row], control[row]), Arms(quiet[0][row], quiet[1][row]), share, usual)
        assert many == alone
    rates = np.array([[0.5, 0.25, 0.5], [0.1, 0.1, 0.1]])
    each = common_harm_log_es(Arms(canary[:2], control[:2]), Arms(quiet[0][:2], quiet[1][:2]), share, rates)
    for row in range(2):
        events, others = Arms(canary[row], control[row]), Arms(quiet[0][row], quiet[1][row])
        assert each[row] == common_harm_log_e(events, others, share, rates[row])


def test_the_sample_ratio_guard_finds_six_per_cent_instead_of_five_in_about_ninety_seconds() -> None:
    """A router that sends 6 % where 5 % are stated is found in about 89 seconds at 100 requests a second."""
    rng = np.random.default_rng(2)
    seconds = []
    for _ in range(15):
        canary = rng.binomial(100, 0.06, 400).cumsum()
        at = next(t for t in range(400) if sample_ratio_log_e([canary[t]], [100 * (t + 1) - canary[t]], [0.05]) > 6.9)
        seconds.append(at + 1)
    assert 60 <= np.median(seconds) <= 130


def test_the_sample_ratio_guard_is_quiet_when_the_share_is_true() -> None:
    """Exactly the stated share is evidence for the router, in both arms alike."""
    assert sample_ratio_log_e([5_000], [95_000], [0.05]) < 0
    assert sample_ratio_log_e([500], [500], [0.5]) == pytest.approx(sample_ratio_log_e([500], [500], [0.5]))
    assert pytest.approx(sample_ratio_log_e([600], [400], [0.5])) == sample_ratio_log_e([400], [600], [0.5])


def test_the_limit_is_shown_after_470_clean_requests() -> None:
    """No bad request in 470 shows a rate below 1 % at 5 %; one bad request shows less; a bad rate shows nothing."""
    assert limit_log_e(0, 469, 0.01) < math.log(20) <= limit_log_e(0, 470, 0.01)
    assert limit_log_e(1, 470, 0.01) < math.log(20)
    assert limit_log_e(100, 2_000, 0.01) < -math.log(20)


def test_the_expected_factor_of_the_limit_wager_is_one_at_the_limit() -> None:
    """Over all outcomes of eight requests at the limit itself, the e-value is worth 1 on average, and less above it."""
    p = 0.25

    def worth(rate: float) -> float:
        return sum(
            math.prod(rate if bad else 1 - rate for bad in path) * math.exp(limit_log_e(sum(path), 8, p))
            for path in product((0, 1), repeat=8)
        )

    assert pytest.approx(1.0) == worth(p)
    assert worth(0.4) < 1.0 < worth(0.1)


@pytest.mark.parametrize(("rate_canary", "rate_control"), [(0.3, 0.3), (0.1, 0.1), (0.2, 0.3), (0.0, 0.9), (0.7, 0.7)])
@pytest.mark.parametrize("usual", [0.1, 0.5])
def test_common_events_lose_on_average_while_the_canary_is_not_above(
    rate_canary: float, rate_control: float, usual: float
) -> None:
    """Whatever the usual rate is taken to be, no canary at or below the control makes the wager grow."""
    assert _expected_factor(rate_canary, rate_control, usual) <= 1.0 + 1e-12


def test_common_events_win_where_the_canary_is_above() -> None:
    """A canary above its control makes the wager grow."""
    assert _expected_factor(0.4, 0.3, 0.3) > 1.0


def _expected_factor(rate_canary: float, rate_control: float, usual: float) -> float:
    w = 0.2
    chances = (w * rate_canary, (1 - w) * rate_control, w * (1 - rate_canary), (1 - w) * (1 - rate_control))
    units = np.eye(4, dtype=np.int64)
    return sum(
        chance * math.exp(common_harm_log_e(Arms([row[0]], [row[1]]), Arms([row[2]], [row[3]]), [w], [usual]))
        for chance, row in zip(chances, units, strict=True)
    )


@pytest.mark.parametrize(
    ("canary", "control", "share"),
    [
        ([-1], [2], [0.05]),
        ([1.0], [2], [0.05]),
        ([math.nan], [2], [0.05]),
        ([True], [False], [0.05]),
        ([1], [2], [0.0]),
        ([1], [2], [1.0]),
        ([1], [2], [5.0]),
        ([1], [2], [math.nan]),
        ([1, 2], [2], [0.05]),
        ([1], [2], [0.05, 0.25]),
        ([[1]], [[2]], [0.05]),
        ([1], [2], [[0.05]]),
        ([10**16], [2], [0.05]),
        (["1"], [2], [0.05]),
    ],
)
def test_what_is_no_count_and_no_share_is_refused(canary: list[int], control: list[int], share: list[float]) -> None:
    """Negative, fractional, missing or misshapen numbers are errors, never evidence."""
    for wager in (harm_log_e, safety_log_e, sample_ratio_log_e):
        with pytest.raises(ValueError, match=r"counts|canary|control|share"):
            wager(canary, control, share)
    with pytest.raises(ValueError, match=r"counts|share"):
        common_harm_log_e(Arms(canary, control), Arms(canary, control), share, share)


def test_refusals_name_what_is_wrong() -> None:
    """The message says which number is wrong and what it was."""
    with pytest.raises(ValueError, match=r"control: a count is negative \(-3\)"):
        harm_log_e([1], [-3], [0.05])
    with pytest.raises(ValueError, match=r"share: each must lie between 0 and 1 \(both excluded\), got \[5.0\]"):
        harm_log_e([1], [3], [5.0])
    with pytest.raises(ValueError, match=r"got shapes \(1, 2\), \(1, 1\), \(2,\)"):
        harm_log_e([1, 2], [3], [0.05, 0.1])
    with pytest.raises(ValueError, match=r"ratio_null: must be at least 1, got 0\.9"):
        harm_log_e([1], [3], [0.05], 0.9)
    with pytest.raises(ValueError, match="ratio_ni"):
        safety_log_e([1], [3], [0.05], 0.0)


@pytest.mark.parametrize(
    ("bad", "requests", "p_ok"), [(2, 1, 0.01), (-1, 1, 0.01), (0, 1, 0.0), (0, 1, 1.0), (0, 1, math.nan)]
)
def test_a_limit_needs_a_share_and_counts_that_fit(bad: int, requests: int, p_ok: float) -> None:
    """More bad requests than requests, or a limit that is no share, are errors."""
    with pytest.raises(ValueError, match=r"bad|p_ok"):
        limit_log_e(bad, requests, p_ok)
