"""Latency evidence from histograms."""

import math
from collections.abc import Mapping

import numpy as np
import pytest

from windlass.maths.edges import EDGE_WEIGHTS, choose_edges, histogram, surely_above, tolerated_edge_microseconds
from windlass.maths.evidence import mean_log_e
from windlass.maths.latency import LatencyStep, latency_harm_log_e, latency_safety_log_e
from windlass.maths.wagers import Arms, common_harm_log_e, harm_log_e

RNG = np.random.default_rng(7)
MEDIAN = 100_000


def calls(number: int, slower: float = 1.0) -> Mapping[int, int]:
    return histogram((slower * RNG.lognormal(math.log(MEDIAN), 0.5, number)).astype(int).tolist())


EDGES_BEFORE = choose_edges(calls(20_000))


def step(slower: float, canary: int = 1_000) -> LatencyStep:
    return LatencyStep(0.05, EDGES_BEFORE, calls(canary, slower), calls(19 * canary))


def test_equal_and_slightly_slower_canaries_are_not_harmful() -> None:
    """A canary that is equal or within the tolerance gives no evidence of harm, and becomes safe."""
    for slower in (1.0, 1.08):
        assert latency_harm_log_e([step(slower)]) < 0
        assert latency_safety_log_e([step(slower, 3_000)]) > math.log(20)


def test_a_canary_half_as_slow_again_is_harmful() -> None:
    """A canary slower by a half is found within a thousand calls, and is never safe."""
    assert latency_harm_log_e([step(1.5)]) > math.log(100)
    assert latency_safety_log_e([step(1.5)]) < 0


def test_a_slow_tail_is_found_although_the_median_is_well() -> None:
    """Two per cent of calls with 400 ms more are found by the p99 edge alone."""
    slow = (RNG.lognormal(math.log(MEDIAN), 0.5, 1_000) + 400_000 * (RNG.random(1_000) < 0.02)).astype(int).tolist()
    tail = LatencyStep(0.05, EDGES_BEFORE, histogram(slow), calls(19_000))
    assert latency_harm_log_e([tail]) > math.log(100)


def test_the_evidence_is_the_fixed_average_over_six_edges() -> None:
    """Edges up to p90 bet on quick calls too, the rarer ones on slow calls alone; their e-values are averaged."""
    first, second = step(1.2), step(1.2)
    logs = []
    for which, usual in enumerate((0.5, 0.25, 0.1, 0.05, 0.01, 0.001)):
        edge = EDGES_BEFORE[which]
        canary = [surely_above(s.canary, tolerated_edge_microseconds(edge)) for s in (first, second)]
        control = [surely_above(s.control, edge) for s in (first, second)]
        quiet = Arms([1_000 - slow for slow in canary], [19_000 - slow for slow in control])
        logs.append(
            common_harm_log_e(Arms(canary, control), quiet, [0.05, 0.05], [usual, usual])
            if which < 3
            else harm_log_e(canary, control, [0.05, 0.05])
        )
    assert pytest.approx(mean_log_e(EDGE_WEIGHTS, logs)) == latency_harm_log_e([first, second])


def test_a_step_without_edges_says_nothing() -> None:
    """Without control calls before the step there is no edge, and no evidence in either direction."""
    blind = LatencyStep(0.05, (), calls(50), calls(950))
    assert 0.0 == latency_harm_log_e([]) == latency_safety_log_e([]) == latency_harm_log_e([blind])
    assert 0.0 == latency_safety_log_e([blind])
    seen = step(1.5)
    assert latency_harm_log_e([blind, seen]) == latency_harm_log_e([seen])
    assert latency_safety_log_e([blind, seen]) == latency_safety_log_e([seen])


def test_a_step_with_other_than_six_edges_is_refused() -> None:
    """Edges that were not chosen by `choose_edges` are an error."""
    with pytest.raises(ValueError, match="2 latency edges instead of 6"):
        latency_harm_log_e([LatencyStep(0.05, (1, 2), {}, {})])


def test_peeking_at_equal_releases_cries_harm_at_most_once_in_a_hundred() -> None:
    """Of 60 equal pairs watched at four looks, no more than chance allows is ever called harmful."""
    population = calls(200_000)
    buckets, chances = list(population), np.array(list(population.values())) / 200_000
    cried = 0
    for _ in range(60):
        canary, control = (RNG.multinomial(number, chances, 4).cumsum(axis=0).tolist() for number in (60, 1_140))
        looks = [
            LatencyStep(
                0.05,
                EDGES_BEFORE,
                dict(zip(buckets, canary[t], strict=True)),
                dict(zip(buckets, control[t], strict=True)),
            )
            for t in range(4)
        ]
        cried += max(latency_harm_log_e([look]) for look in looks) >= math.log(100)
    assert cried <= 3
