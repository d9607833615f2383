"""The histogram of durations and the edges chosen from it."""

from itertools import pairwise

import numpy as np
import pytest

from windlass.maths.edges import (
    BUCKETS,
    EDGE_WEIGHTS,
    EDGES,
    HOUR_MICROSECONDS,
    LATENCY_QUANTILES,
    bucket_bounds,
    bucket_of,
    choose_edges,
    histogram,
    perhaps_above,
    quantile,
    surely_above,
    tolerated_edge_microseconds,
)


def test_edges_rise_by_eight_per_cent_from_a_microsecond_to_an_hour() -> None:
    """Edges are whole, strictly rising, at most 8 % and one microsecond apart, and reach just beyond an hour."""
    assert (1, 2, 3) == EDGES[:3]
    assert EDGES[-2] < HOUR_MICROSECONDS <= EDGES[-1] < 1.08 * HOUR_MICROSECONDS + 1
    assert all(low < high <= low * 1.08 + 1 for low, high in pairwise(EDGES))
    assert BUCKETS == len(EDGES) + 1 == 267


def test_every_duration_lies_in_its_bucket_and_every_bucket_has_its_bounds() -> None:
    """A duration is above the lower edge of its bucket and at most at its upper one."""
    for value in (0, 1, 2, 99, 100, 101, 65_000, 10_000_000, HOUR_MICROSECONDS, 10 * HOUR_MICROSECONDS, *EDGES):
        low, high = bucket_bounds(bucket_of(value))
        assert low < value and (high is None or value <= high)
    assert bucket_of(10 * HOUR_MICROSECONDS) == BUCKETS - 1
    assert bucket_bounds(BUCKETS - 1) == (EDGES[-1], None)


def test_an_impossible_duration_or_bucket_is_refused() -> None:
    """Negative durations and unknown buckets are errors that name the value."""
    with pytest.raises(ValueError, match=r"negative \(-1"):
        bucket_of(-1)
    for bucket in (-1, BUCKETS):
        with pytest.raises(ValueError, match=f"no latency bucket {bucket}"):
            bucket_bounds(bucket)


def test_a_histogram_counts_every_call_once() -> None:
    """Buckets come sorted and their counts sum to the calls; adding histograms is counting together."""
    calls = [5_000_000, 1, 1, 70_000]
    assert {0: 2, bucket_of(70_000): 1, bucket_of(5_000_000): 1} == histogram(calls)
    assert sorted(histogram(calls)) == list(histogram(calls))


def test_calls_above_an_edge_are_exact_and_elsewhere_bounded() -> None:
    """At an edge the count is exact; between edges it is bounded from below and from above."""
    rng = np.random.default_rng(4)
    calls = rng.lognormal(11.5, 0.5, 3_000).astype(int).tolist()
    buckets = histogram(calls)
    for edge in EDGES[100:200:7]:
        true = sum(call > edge for call in calls)
        assert true == surely_above(buckets, edge) == perhaps_above(buckets, edge)
        between = edge + 3
        assert (
            surely_above(buckets, between) <= sum(call > between for call in calls) <= perhaps_above(buckets, between)
        )
    middle = bucket_of(100_000)
    assert (0, 1) == (surely_above({middle: 1}, 100_000), perhaps_above({middle: 1}, 100_000))
    assert (1, 1) == tuple(above({BUCKETS - 1: 1}, EDGES[-1]) for above in (surely_above, perhaps_above))
    assert 1 == perhaps_above({BUCKETS - 1: 1}, 2 * EDGES[-1])


def test_a_quantile_is_the_edge_above_it() -> None:
    """The quantile shown is the first edge with enough calls at or below it, so wrong by 8 % at most."""
    rng = np.random.default_rng(5)
    calls = rng.lognormal(11.5, 0.5, 5_000).astype(int)
    buckets = histogram(calls.tolist())
    for p in LATENCY_QUANTILES:
        shown = quantile(buckets, p)
        true = np.quantile(calls, p, method="inverted_cdf")
        assert shown is not None and true <= shown <= true * 1.08 + 1
    assert quantile({}, 0.5) is None
    assert quantile({3: 0}, 0.5) is None
    assert quantile({BUCKETS - 1: 1}, 0.5) == EDGES[-1]
    for p in (0.0, 1.0):
        with pytest.raises(ValueError, match="p: a quantile"):
            quantile(buckets, p)


def test_the_chosen_edges_are_the_nearest_to_the_usual_quantiles() -> None:
    """No other edge has a share of control calls above it that is nearer to the quantile's."""
    rng = np.random.default_rng(6)
    buckets = histogram(rng.lognormal(11.5, 0.5, 4_000).astype(int).tolist())
    edges = choose_edges(buckets)
    for p, edge in zip(LATENCY_QUANTILES, edges, strict=True):
        misses = {other: abs(surely_above(buckets, other) / 4_000 - (1 - p)) for other in EDGES}
        assert misses[edge] == pytest.approx(min(misses.values()))
    assert list(edges) == sorted(edges) and set(edges) <= set(EDGES)


def test_without_calls_there_are_no_edges() -> None:
    """Edges are never made up."""
    assert () == choose_edges({}) == choose_edges({7: 0})


def test_the_money_on_the_edges_sums_to_one() -> None:
    """Each edge has its fixed share of the money."""
    assert len(EDGE_WEIGHTS) == len(LATENCY_QUANTILES) and pytest.approx(1.0) == sum(EDGE_WEIGHTS)


@pytest.mark.parametrize(
    ("edge", "tolerated"), [(0, 5_000), (1_000, 6_100), (100_000, 115_000), (1_000_001, 1_105_001)]
)
def test_a_canary_may_be_ten_per_cent_and_five_milliseconds_slower(edge: int, tolerated: int) -> None:
    """The canary's edge is the control's plus 10 % plus 5 ms, in whole microseconds."""
    assert tolerated == tolerated_edge_microseconds(edge)
