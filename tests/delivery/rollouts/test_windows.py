"""Weekly windows without movement."""

from datetime import UTC, datetime

import pytest

from windlass.delivery.rollouts.windows import frozen_window
from windlass.delivery.sources.types import FreezeWindow
from windlass.kernel.instants import Instant

DAY = 24 * 60
WEEKEND = FreezeWindow("fri 16:00..mon 08:00", 4 * DAY + 16 * 60, 8 * 60)
NIGHT = FreezeWindow("wed 22:00..wed 23:30", 2 * DAY + 22 * 60, 2 * DAY + 23 * 60 + 30)


def at(text: str) -> Instant:
    """The instant of a UTC time."""
    return Instant(round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000))


@pytest.mark.parametrize(
    ("moment", "offset", "left"),
    [
        ("2026-11-27T15:59:00", 0, None),  # a Friday
        ("2026-11-27T16:00:00", 0, 64 * 3600.0),
        ("2026-11-29T12:00:00", 0, 20 * 3600.0),
        ("2026-11-30T07:59:00", 0, 60.0),
        ("2026-11-30T08:00:00", 0, None),
        ("2026-11-27T15:30:00", 3600, 64 * 3600.0 - 1800.0),  # half past four in a zone an hour ahead
        ("2026-12-02T22:30:00", 0, 3600.0),
    ],
)
def test_windows(moment: str, offset: int, left: float | None) -> None:
    """A window is open from its first minute to its last, over the end of the week and in the service's zone."""
    found = frozen_window((WEEKEND, NIGHT), at(moment), offset)
    assert left == (None if found is None else pytest.approx(found.left_seconds))


def test_of_two_open_windows_the_later_end_counts() -> None:
    """Two open windows hold until the last of them ends."""
    longer = FreezeWindow("sat 00:00..tue 00:00", 5 * DAY, DAY)
    found = frozen_window((WEEKEND, longer), at("2026-11-28T12:00:00"), 0)
    assert found is not None
    assert longer.line == found.line
