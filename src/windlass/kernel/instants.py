"""Instants: whole milliseconds since the Unix epoch, so that a replay is the same byte for byte."""

from datetime import UTC, datetime, timedelta
from typing import NewType

Instant = NewType("Instant", int)

NEVER = Instant(0)  # before anything of ours
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999  # the begin of the year 1, and the end of the year 9999


def later(instant: Instant, *, seconds: float) -> Instant:
    """The instant `seconds` after `instant`, rounded to a millisecond."""
    return Instant(instant + round(seconds * 1000))


def seconds_between(begin: Instant, end: Instant) -> float:
    """Seconds from `begin` to `end`; negative where `end` comes first."""
    return (end - begin) / 1000


def rfc3339(instant: Instant) -> str:
    """The instant in UTC as RFC 3339 text with milliseconds, for example `2026-12-03T10:00:00.000Z`.

    What lies outside of the years 1 to 9999 is told as their begin or end.
    """
    moment = _EPOCH + timedelta(milliseconds=min(max(instant, _FIRST), _LAST))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(seconds: float) -> str:
    """A length of time in the words people use: `8 s`, `4 min`, `2 h`, `3 d`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} d"
