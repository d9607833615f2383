"""Instants are whole milliseconds, and lengths of time are said in people's words."""

import pytest

from windlass.kernel.instants import Instant, later, rfc3339, seconds_between, span


def test_later_and_between_are_each_others_inverse() -> None:
    """Half a second later is 500 milliseconds, and the way back says so."""
    begin = Instant(1_000)
    assert 1_500 == later(begin, seconds=0.5)
    assert 0.5 == seconds_between(begin, later(begin, seconds=0.5))
    assert -0.5 == seconds_between(later(begin, seconds=0.5), begin)
    assert 1_000 == later(begin, seconds=0.0004)


def test_instants_are_written_in_utc_with_milliseconds() -> None:
    """RFC 3339 text ends with Z and has three decimals, also for a whole second."""
    assert "1970-01-01T00:00:00.000Z" == rfc3339(Instant(0))
    assert "2026-12-03T10:00:00.007Z" == rfc3339(Instant(1_796_292_000_007))


def test_instants_beyond_all_calendars_are_still_told() -> None:
    """Whatever number a request holds can be written; it is shown as the first or the last moment that has a name."""
    assert "0001-01-01T00:00:00.000Z" == rfc3339(Instant(-(10**20)))
    assert "9999-12-31T23:59:59.999Z" == rfc3339(Instant(10**20))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7_199, "120 min"),
        (7_200, "2 h"),
        (172_799, "48 h"),
        (172_800, "2 d"),
    ],
)
def test_spans_are_said_in_the_largest_unit_that_fits(seconds: float, words: str) -> None:
    """Seconds up to two minutes, minutes up to two hours, hours up to two days, then days."""
    assert words == span(seconds)
