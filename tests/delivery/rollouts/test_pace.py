"""Where a rollout begins, from how many requests come."""

from pathlib import Path

import pytest

from windlass.delivery.rollouts.pace import few_requests, rate_seen, requests_needed, shares_of
from windlass.delivery.rollouts.types import in_words
from windlass.delivery.sources.types import LimitSpec, RolloutSpec
from windlass.kernel.quantities import share
from windlass.testing.tables import Row, read_table


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("paces.txt")), ids=str)
def test_paces(row: Row) -> None:
    """Every row of paces.txt is the shares that a rollout takes, and why it does not begin as its file says."""
    bound = share(row["errors"])
    steps = tuple(share(step) for step in row["steps"].split())
    rollout = RolloutSpec(steps=steps, limits=(LimitSpec(f"errors <= {row['errors']}", "errors", 0.0, bound),))
    rate = rate_seen(int(row["requests"]), 3600 * float(row["hours"]))
    few = few_requests(rollout, rate)
    assert tuple(share(step) for step in row["shares"].split()) == shares_of(rollout, few)
    assert row["because"] == (few.words() if few is not None else "")
    assert few is None or f"the gate passed; {few.words()}" == few.sentence()


def test_the_default_limit_is_that_of_the_file() -> None:
    """Where the file limits no errors, one in a hundred is meant, as without any line."""
    assert 555 == requests_needed(()) == requests_needed(RolloutSpec().limits)
    latency = LimitSpec("p99 <= 300ms", "latency", 300.0, 0.01)
    assert 555 == requests_needed((latency,))


def test_rates_in_words() -> None:
    """A rate is told in the unit in which it is at least one."""
    words = ["20 requests/s", "30 requests/min", "3.6 requests/h", "no request"]
    assert words == [in_words(rate) for rate in (20.0, 0.5, 0.001, 0.0)]
