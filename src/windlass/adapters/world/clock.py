"""Time that never jumps: the wall clock is read once, and monotonic time is added to it."""

import asyncio
import time

from windlass.kernel.instants import Instant


class RealClock:
    """The machine's clock as it was at the start, plus the time since."""

    def __init__(self) -> None:
        self._began = time.time_ns() // 1_000_000
        self._began_monotonic = time.monotonic_ns() // 1_000_000

    def now(self) -> Instant:
        """The instant, in milliseconds since the epoch."""
        return Instant(self._began + time.monotonic_ns() // 1_000_000 - self._began_monotonic)

    async def sleep(self, seconds: float) -> None:
        """Let the others run for a while."""
        await asyncio.sleep(seconds)
