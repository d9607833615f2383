"""What one attempt to change the world came to. Only `engine/outcomes.py` knows what an outcome costs."""

from dataclasses import dataclass

from windlass.kernel.instants import Instant


@dataclass(frozen=True, slots=True)
class Done:
    """The world is as the plan wants it; `changed` says whether this attempt did it."""

    changed: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """It is under way; look again at `at`, or when the world reports."""

    words: str
    at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Stuck:
    """It cannot succeed until somebody does `remedy`."""

    words: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It failed and may succeed when tried again."""

    words: str


Outcome = Done | Wait | Stuck | Failed
