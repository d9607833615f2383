"""Counts add up: replicas, sites and steps may be summed in any order."""

from hypothesis import given
from hypothesis import strategies as st

from windlass.facts.counts import SiteReport, StepCounts, Tally
from windlass.kernel.records import from_json, to_json

COUNT = st.integers(0, 10**9)
TALLIES = st.builds(Tally, COUNT, COUNT, COUNT, COUNT, COUNT, st.dictionaries(st.integers(0, 400), COUNT, max_size=5))


def test_a_sum_adds_each_count() -> None:
    """Counts are added one by one, and latencies bucket by bucket."""
    one, other = Tally(1, 2, 3, 4, 5, {7: 1, 2: 5}), Tally(10, 20, 30, 40, 50, {7: 2, 1: 1})
    assert one.plus(other) == Tally(11, 22, 33, 44, 55, {1: 1, 2: 5, 7: 3})


@given(one=TALLIES, two=TALLIES, three=TALLIES)
def test_order_and_grouping_never_matter(one: Tally, two: Tally, three: Tally) -> None:
    """The sum is the same from whichever side it is made, and nothing adds nothing."""
    assert one.plus(two) == two.plus(one)
    assert one.plus(two).plus(three) == one.plus(two.plus(three))
    assert one.plus(Tally()) == one


@given(tally=TALLIES)
def test_a_report_comes_back(tally: Tally) -> None:
    """What a site reports is the same after JSON, buckets as numbers."""
    report = SiteReport("local", 3, 9, 1000, (StepCounts("visits", "s1", "blake3:1", tally),))
    assert from_json(SiteReport, to_json(report)) == report
