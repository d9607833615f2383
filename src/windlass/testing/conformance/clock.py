"""What every clock keeps."""

from windlass.ports.world import Clock
from windlass.testing.conformance.runs import Runs

EARLIEST = 1_600_000_000_000  # September 2020: a clock before that is not set


class ClockConformance(Runs):
    """Give a fixture `clock`."""

    def test_the_clock_is_set(self, clock: Clock) -> None:
        """Instants are milliseconds since the epoch."""
        assert clock.now() > EARLIEST

    def test_time_never_goes_back(self, clock: Clock) -> None:
        """However often it is asked, no instant is earlier than the one before."""
        instants = [clock.now() for _ in range(1000)]
        assert instants == sorted(instants)

    def test_a_sleep_lasts_as_long_as_it_says(self, clock: Clock) -> None:
        """After a sleep the clock has moved by at least its length."""

        async def slept_ms() -> int:
            began = clock.now()
            await clock.sleep(0.02)
            return clock.now() - began

        assert self.run(slept_ms()) >= 19  # whole milliseconds, cut at both ends
