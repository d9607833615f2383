"""Clock, chance and disk: what the simulator replaces, so that one seed replays a whole day byte for byte."""

from collections.abc import Coroutine
from typing import Any, Protocol

from windlass.kernel.instants import Instant


class Clock(Protocol):
    """Time. `now` is the wall time at the start of the process plus monotonic time since, so it never jumps."""

    def now(self) -> Instant:
        """The instant, in milliseconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let the others run for a while."""
        ...


class Chance(Protocol):
    """Randomness for jitter and ids."""

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        ...

    def token(self) -> str:
        """Sixteen random lower-case hex digits."""
        ...


class Disk(Protocol):
    """Small files of our own. Paths are absolute."""

    async def read(self, path: str) -> bytes | None:
        """The file's bytes, or None where there is no file."""
        ...

    async def write(self, path: str, data: bytes) -> None:
        """Replace the file atomically and durably: temporary file, fsync, rename, fsync of the folder."""
        ...

    async def append(self, path: str, data: bytes) -> None:
        """Append durably (fsync)."""
        ...

    async def remove(self, path: str) -> None:
        """Remove the file; a missing one is no error."""
        ...

    async def names(self, folder: str) -> tuple[str, ...]:
        """The names in a folder, sorted; empty where it does not exist."""
        ...


class Tasks(Protocol):
    """Spawning and waiting in a fixed order (asyncio's own helpers wake in memory-address order)."""

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside the caller; an error in it ends the process with that error."""
        ...

    async def stop(self) -> None:
        """Cancel what was spawned, newest first, and wait for it."""
        ...
