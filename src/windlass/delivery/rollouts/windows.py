"""Weekly windows in which no traffic moves: `freeze: ["fri 16:00..mon 08:00"]`."""

from collections.abc import Sequence
from dataclasses import dataclass

from windlass.delivery.sources.types import FreezeWindow
from windlass.kernel.instants import Instant

WEEK_MINUTES = 7 * 24 * 60
EPOCH_WEEKDAY_MINUTES = 3 * 24 * 60  # 1 January 1970 was a Thursday


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """A window that is open now, and how long it stays open."""

    line: str
    left_seconds: float


def frozen_window(windows: Sequence[FreezeWindow], now: Instant, zone_offset_seconds: int) -> OpenWindow | None:
    """The open window that ends last; None where traffic may move."""
    minute = ((now / 1000 + zone_offset_seconds) / 60 + EPOCH_WEEKDAY_MINUTES) % WEEK_MINUTES
    found = [OpenWindow(window.line, left * 60) for window in windows if (left := _minutes_left(window, minute)) > 0]
    return max(found, key=lambda one: (one.left_seconds, one.line), default=None)


def _minutes_left(window: FreezeWindow, minute: float) -> float:
    length = (window.end_minute - window.begin_minute) % WEEK_MINUTES
    passed = (minute - window.begin_minute) % WEEK_MINUTES
    return length - passed if passed < length else 0.0
