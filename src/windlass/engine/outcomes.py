"""What an outcome costs: how long to wait before the next attempt, and what people are told."""

from dataclasses import dataclass

from windlass.kernel.errors import WindlassError
from windlass.kernel.instants import NEVER, Instant, later

FIRST_SECONDS = 1.0
CEILING_SECONDS = 60.0  # a repaired disk or remote is noticed within a minute


@dataclass(slots=True)
class Attempts:
    """Failures in a row, each doubling the wait up to a minute. `words` is what the last one said."""

    failures: int = 0
    next_at: Instant = NEVER
    words: str = ""

    def failed(self, error: WindlassError, now: Instant, jitter: float) -> None:
        """Count one more failure; `jitter` (0.5 to 1.5) keeps many of us from returning at once."""
        self.failures += 1
        self.words = str(error)
        seconds = min(CEILING_SECONDS, FIRST_SECONDS * 2 ** min(self.failures - 1, 10)) * jitter
        self.next_at = later(now, seconds=seconds)

    def succeeded(self) -> None:
        """Forget the failures."""
        self.failures, self.next_at, self.words = 0, NEVER, ""
