"""A virtual clock, seeded chance and a disk in memory."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from windlass.adapters.simulated.taps import Killed
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


@dataclass(slots=True)
class ProcessClock:
    """What one process takes for the time: true time and its own error, which changes only while it does not run."""

    true: SimulatedClock
    skew_seconds: float = 0.0

    def now(self) -> Instant:
        """The instant that this process reads."""
        return later(self.true.instant, seconds=self.skew_seconds) if self.skew_seconds else self.true.instant

    async def sleep(self, seconds: float) -> None:
        """Sleep by true time."""
        await self.true.sleep(seconds)


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
    """Files in memory. `fault` is asked before each verb and may raise what a real disk would.

    While `is_lying` the disk calls things durable that are not: `lose_power` forgets them. With `tear` the process is
    killed in the middle of its next write: an append leaves so many first bytes, a replaced file stays as it was. With
    `short` every write fails in the middle like that, and the process is told so.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    fault: Callable[[str, str], None] = no_fault
    is_lying: bool = False
    tear: int = -1
    short: int = -1
    _before: dict[str, bytes | None] = field(default_factory=dict)

    def lose_power(self) -> bool:
        """Forget what was only said to be durable; says whether anything was."""
        for path, data in self._before.items():
            if data is None:
                self.files.pop(path, None)
            else:
                self.files[path] = data
        lost = bool(self._before)
        self._before.clear()
        return lost

    @property
    def is_sound(self) -> bool:
        """Whether it does what it is told."""
        return self.fault is no_fault and self.tear < 0 and self.short < 0 and not self.is_lying

    def flip(self, path: str, bit: int) -> None:
        """Turn one bit of a file at rest."""
        data = bytearray(self.files[path])
        if data:
            data[bit // 8 % len(data)] ^= 1 << bit % 8
            self.files[path] = bytes(data)

    def _note(self, path: str) -> None:
        if self.is_lying:
            self._before.setdefault(path, self.files.get(path))
        else:
            self._before.pop(path, None)

    async def read(self, path: str) -> bytes | None:
        """The bytes, or None."""
        self.fault("read", path)
        return self.files.get(path)

    async def write(self, path: str, data: bytes) -> None:
        """Replace the file; a fault leaves the old one."""
        self.fault("write", path)
        if self.tear >= 0:
            self.tear = -1
            raise Killed(f"in the middle of replacing {path}")
        if self.short >= 0:
            disk_full("write", path)
        self._note(path)
        self.files[path] = bytes(data)

    async def append(self, path: str, data: bytes) -> None:
        """Append to the file; a fault appends nothing."""
        self.fault("append", path)
        self._note(path)
        if self.tear >= 0:
            kept, self.tear = bytes(data)[: self.tear % (len(data) + 1)], -1
            self.files[path] = self.files.get(path, b"") + kept
            raise Killed(f"in the middle of appending to {path}")
        if self.short >= 0:
            self.files[path] = self.files.get(path, b"") + bytes(data)[: self.short % max(1, len(data) - 1)]
            disk_full("append", path)
        self.files[path] = self.files.get(path, b"") + bytes(data)

    async def remove(self, path: str) -> None:
        """Remove the file."""
        self.fault("remove", path)
        self._note(path)
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


def disk_broken(verb: str, path: str) -> None:
    """The disk that can neither be read nor written.

    Raises:
        Unavailable: always.
    """
    raise Unavailable("input/output error", code="disk-failed", where=path, remedy="look at the disk")
