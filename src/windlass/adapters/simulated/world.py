"""A virtual clock, seeded chance and a disk in memory."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from windlass.kernel.errors import Unavailable
from windlass.kernel.instants import Instant, later

BEGINNING = Instant(1_800_000_000_000)  # an arbitrary Friday: simulated days start at the same moment


@dataclass(slots=True)
class SimulatedClock:
    """Time that moves only when the simulator says so. Sleeping advances it at once: nobody else runs meanwhile."""

    instant: Instant = BEGINNING

    def now(self) -> Instant:
        """The virtual instant."""
        return self.instant

    async def sleep(self, seconds: float) -> None:
        """Advance the virtual time."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.instant = later(self.instant, seconds=max(0.0, seconds))


class SimulatedChance:
    """Chance from one seed: the same seed gives the same day, byte for byte."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        return self._random.uniform(low, high)

    def token(self) -> str:
        """Sixteen hex digits."""
        return f"{self._random.getrandbits(64):016x}"


def no_fault(verb: str, path: str) -> None:
    """The disk of a good day."""


@dataclass(slots=True)
class SimulatedDisk:
    """Files in memory. `fault` is asked before each verb and may raise what a real disk would."""

    files: dict[str, bytes] = field(default_factory=dict)
    fault: Callable[[str, str], None] = no_fault

    async def read(self, path: str) -> bytes | None:
        """The bytes, or None."""
        self.fault("read", path)
        return self.files.get(path)

    async def write(self, path: str, data: bytes) -> None:
        """Replace the file; a fault leaves the old one."""
        self.fault("write", path)
        self.files[path] = bytes(data)

    async def append(self, path: str, data: bytes) -> None:
        """Append to the file; a fault appends nothing."""
        self.fault("append", path)
        self.files[path] = self.files.get(path, b"") + bytes(data)

    async def remove(self, path: str) -> None:
        """Remove the file."""
        self.fault("remove", path)
        self.files.pop(path, None)

    async def names(self, folder: str) -> tuple[str, ...]:
        """The names directly below a folder."""
        self.fault("names", folder)
        start = folder.rstrip("/") + "/"
        return tuple(sorted({path[len(start) :].split("/")[0] for path in self.files if path.startswith(start)}))


def disk_full(verb: str, path: str) -> None:
    """The disk on which nothing more can be written.

    Raises:
        Unavailable: the verb would write.
    """
    if verb in ("write", "append"):
        raise Unavailable("no space is left on the disk", code="disk-full", where=path, remedy="make room")
