"""Wagers on who served a bad event: the evidence of a rollout.

Bet on the assignment, not on the metric. The router gives the canary a known share of the requests; if the releases are
equal, the chance that the canary served a given bad event is that share. This stays true under daily load, shared
outages, ramps and any distribution of outcomes, the state is whole numbers that add up over replicas, and good requests
cost nothing. A test of the error rate itself was rejected: it errs the more, the longer it is watched.

Source: Lindon and Malek 2022, NeurIPS, arXiv 2011.03567; Turner, Ly and Grünwald 2024, "Generic E-variables for exact
sequential k-sample tests that allow for optional stopping"; the one-sided mixtures are in
`docs/explanation/evidence.md`.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from windlass.maths.counts import FloatArray, Floats, IntArray, Ints, at_least_one, inside, numbers, whole
from windlass.maths.effects import effects
from windlass.maths.evidence import log_of_sum, log_sum_exp
from windlass.maths.shares import added_up, one_row, share_log_es, shares_of

RATIO_NI = 1.5  # safe means: shown to have less than half as many events again
RATIO_NULL_MAX = 1e12
SHARE_TILTS = np.geomspace(0.02, 1.0, 18)  # log-odds by which the true share may differ from the one stated
_TILTED = np.exp(np.concatenate([SHARE_TILTS, -SHARE_TILTS]))
_EQUALLY = np.full(_TILTED.shape, -math.log(_TILTED.size))


class Arms(NamedTuple):
    """One kind of outcome, counted per step on both sides."""

    canary: Ints
    control: Ints


def harm_log_e(
    canary: Ints, control: Ints, share: Floats, ratio_null: float = 1.0, declared: float | None = None
) -> float:
    """Evidence that events are more than `ratio_null` times as likely on the canary.

    Given an event, equal releases leave it to the router who served it: the canary with probability `share`. The wager
    pays when the canary has more. It is valid at any moment of looking, under any load and any shared incident, and
    counts of replicas add up before the call.

    Args:
        canary: events on the canary, shape (steps,), not negative.
        control: events on the rest, same shape.
        share: traffic share the router gave the canary, same shape, inside (0, 1); a share, not per cent.
        ratio_null: the ratio still tolerated, at least 1.
        declared: the smallest ratio the user calls harmful, above 1; half of the money is put on it.

    Returns:
        The natural logarithm of the e-value; 0 before the first event. Act at `log(1 / alpha)`.

    Raises:
        ValueError: the shapes differ, or a value is outside its range.

    Source: Lindon and Malek 2022, arXiv 2011.03567; the mixture over effects is in `docs/explanation/evidence.md`.

    >>> round(harm_log_e([7], [12], [0.05]), 2)
    6.89
    """
    rows = numbers("canary", canary), numbers("control", control)
    return _harm(*rows, tuple(shares_of("share", share).tolist()), ratio_null, declared)


@lru_cache(maxsize=4096)  # errors are rare: a rollout asks for the same counts second after second
def _harm(
    canary: tuple[int, ...], control: tuple[int, ...], share: tuple[float, ...], null: float, declared: float | None
) -> float:
    return float(harm_log_es(np.array([canary]), np.array([control]), share, null, declared)[0])


def harm_log_es(
    canary: IntArray, control: IntArray, share: Floats, ratio_null: float = 1.0, declared: float | None = None
) -> FloatArray:
    """`harm_log_e` of many metrics at once: counts of shape (metrics, steps), one logarithm for each metric."""
    bets = effects(declared)
    null = at_least_one("ratio_null", ratio_null)
    tables = [whole("canary", canary), whole("control", control)]
    return _assigned(tables, share, null, bets.ratios, np.log(bets.weights))


def safety_log_e(canary: Ints, control: Ints, share: Floats, ratio_ni: float = RATIO_NI) -> float:
    """Evidence that events are less than `ratio_ni` times as likely on the canary.

    The same wager as `harm_log_e` the other way round: its null is "at least `ratio_ni` times as likely", so a release
    is never called safe because nothing was seen.

    Returns:
        The natural logarithm of the e-value; 0 before the first event. Promote at `log(1 / alpha)`.

    Raises:
        ValueError: the shapes differ, or a value is outside its range.

    >>> safety_log_e([10], [400], [0.05]) > safety_log_e([20], [400], [0.05]) > safety_log_e([40], [400], [0.05])
    True
    """
    rows = numbers("canary", canary), numbers("control", control)
    return _safety(*rows, tuple(shares_of("share", share).tolist()), ratio_ni)


@lru_cache(maxsize=4096)
def _safety(canary: tuple[int, ...], control: tuple[int, ...], share: tuple[float, ...], ratio_ni: float) -> float:
    return float(safety_log_es(np.array([canary]), np.array([control]), share, ratio_ni)[0])


def safety_log_es(canary: IntArray, control: IntArray, share: Floats, ratio_ni: float = RATIO_NI) -> FloatArray:
    """`safety_log_e` of many metrics at once: counts of shape (metrics, steps), one logarithm for each metric."""
    bets = effects()
    null = inside("ratio_ni", ratio_ni, 0.0, RATIO_NULL_MAX)
    tables = [whole("canary", canary), whole("control", control)]
    return _assigned(tables, share, null, 1.0 / bets.ratios, np.log(bets.weights))


def sample_ratio_log_e(canary_requests: Ints, control_requests: Ints, share: Floats) -> float:
    """Evidence that the router did not give the canary its stated share, in either direction.

    Every other wager here stands on that share. From `log(1000)` on their verdicts are suspended: the counts of
    requests themselves say that somebody else decided who is served by whom.

    >>> sample_ratio_log_e([600], [9_400], [0.05]) > sample_ratio_log_e([500], [9_500], [0.05])
    True
    """
    tables = [one_row("canary_requests", canary_requests), one_row("control_requests", control_requests)]
    return float(_assigned(tables, share, 1.0, _TILTED, _EQUALLY)[0])


def limit_log_e(bad: int, requests: int, p_ok: float) -> float:
    """Evidence that the canary's own rate of bad requests is below a declared limit.

    It needs no control, so an error-free canary can be shown safe although an error-free pair tells no ratio.

    Args:
        bad: bad requests of the canary over all steps.
        requests: all its requests, at least `bad`.
        p_ok: the declared limit, a share inside (0, 1).

    Raises:
        ValueError: a count is negative or `bad` above `requests`, or the limit is outside (0, 1).

    >>> limit_log_e(0, 470, 0.01) >= math.log(20) > limit_log_e(0, 469, 0.01)
    True
    """
    bad, requests = whole("bad and requests", [bad, requests]).tolist()
    if bad > requests:
        raise ValueError(f"bad: more bad requests ({bad}) than requests ({requests})")
    return log_of_sum(limit_logs(bad, requests, p_ok))


def limit_logs(bad: int, requests: int, p_ok: float) -> list[float]:
    """The parts of `limit_log_e`: the logarithm of what the money on each bet has become. Counts are not checked.

    Raises:
        ValueError: the limit is outside (0, 1).
    """
    good = requests - bad
    return [log_weight + (good * on_good - bad * on_bad) for on_good, on_bad, log_weight in _limit_bets(p_ok)]


@lru_cache(maxsize=256)
def _limit_bets(p_ok: float) -> list[tuple[float, float, float]]:
    """For each bet the logarithms of what a good request multiplies it with, of what a bad one divides it by, and of
    the money on it."""
    inside("p_ok", p_ok, 0.0, 1.0)
    bets = effects()
    on_good = np.log1p(p_ok * (1.0 - 1.0 / bets.ratios) / (1.0 - p_ok))
    return list(zip(on_good.tolist(), np.log(bets.ratios).tolist(), np.log(bets.weights).tolist(), strict=True))


def common_harm_log_e(events: Arms, quiet: Arms, share: Floats, usual: Floats, declared: float | None = None) -> float:
    """Evidence that common events are more likely on the canary, from events and non-events together.

    Above about 5 % the requests without the event also tell something: a canary with more slow calls has fewer fast
    ones. `usual` tunes the power only; whatever it is, the wager loses on average while the canary's rate is not above
    the control's.

    Args:
        events: requests with the event, per step.
        quiet: requests without it, same shape.
        share: traffic share of the canary per step, inside (0, 1).
        usual: the control's rate that was expected when the step began, inside (0, 1).
        declared: the smallest harmful odds ratio, above 1.

    Returns:
        The natural logarithm of the e-value; 0 before the first request.

    Raises:
        ValueError: the shapes differ, or a value is outside its range.

    Source: Turner, Ly and Grünwald 2024 for the two-sample bet; the null "not above control" is derived in
    `docs/explanation/evidence.md`.

    >>> common_harm_log_e(Arms([90], [950]), Arms([410], [8550]), [0.05], [0.1]) > math.log(100)
    True
    """
    rows = [one_row("counts", row) for row in (*events, *quiet)]
    return float(common_harm_log_es(Arms(*rows[:2]), Arms(*rows[2:]), share, usual, declared)[0])


def common_harm_log_es(
    events: Arms, quiet: Arms, share: Floats, usual: Floats, declared: float | None = None
) -> FloatArray:
    """`common_harm_log_e` of many metrics at once: counts of shape (metrics, steps), one logarithm for each metric.

    `usual` is one row for all metrics, or has a row for each.
    """
    bets = effects(declared)
    tables = [whole("counts", table) for table in (*events, *quiet)]
    keys = [shares_of("share", share), *(shares_of("usual", row) for row in np.atleast_2d(usual))]
    counts, (shares, *rates) = added_up(tables, keys)
    payoffs = _common_payoffs(tuple(shares.tolist()), tuple(tuple(row.tolist()) for row in rates), declared)
    logs = np.log(bets.weights)
    for (on_canary, on_control), canary, control in zip(payoffs, counts[::2], counts[1::2], strict=True):
        logs = logs + (canary[:, :, None] * on_canary + control[:, :, None] * on_control).sum(axis=1)
    return log_sum_exp(logs)


@lru_cache(maxsize=1024)
def _common_payoffs(
    shares: tuple[float, ...], rates: tuple[tuple[float, ...], ...], declared: float | None
) -> list[tuple[FloatArray, FloatArray]]:
    """For requests with the event and for those without: the logarithms of what one on the canary and one on the
    control multiplies each bet with."""
    ratios = effects(declared).ratios
    w, p = np.array(shares)[:, None], np.array(rates)[:, :, None]
    shrink = 1.0 - p + ratios * p
    found = []
    for moved in (ratios / shrink, 1.0 / shrink):
        on_control = -np.log1p(w * (moved - 1.0))
        found.append((np.log(moved) + on_control, on_control))
    return found


def _assigned(
    tables: list[IntArray], share: Floats, null: float, tilts: FloatArray, log_weights: FloatArray
) -> FloatArray:
    summed, (shares,) = added_up(tables, [shares_of("share", share)])
    return share_log_es(summed, shares, null, tilts, log_weights)
