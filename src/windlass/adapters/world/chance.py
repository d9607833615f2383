"""Randomness of the operating system, so that two machines never draw the same ids."""

import random
import secrets


class RealChance:
    """Draws for jitter and ids."""

    def __init__(self) -> None:
        self._source = random.SystemRandom()

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        return self._source.uniform(low, high)

    def token(self) -> str:
        """Sixteen random lower-case hex digits."""
        return secrets.token_hex(8)
