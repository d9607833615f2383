"""What the machine tells about itself: data and secrets outside Git, room on the disk, its Python, time zones."""

from typing import Protocol

from windlass.delivery.sources.types import OurPython
from windlass.kernel.digests import Digest
from windlass.kernel.instants import Instant


class Machine(Protocol):
    """Questions without effect."""

    async def digest(self, path: str) -> Digest | None:
        """The digest of a file or folder of data; None where there is none. Unchanged files are not read twice."""
        ...

    async def free_share(self) -> float:
        """The free part (0 to 1) of the disk that holds the home folder."""
        ...

    def value_of(self, text: str) -> str:
        """What `env:NAME` or `file:PATH` refers to here; other text is itself.

        Raises:
            UserMistake: there is no such variable, or the file cannot be read as text.
        """
        ...

    def python(self) -> OurPython:
        """The Python that runs Windlass here, and what is installed for it."""
        ...

    def forks(self) -> bool:
        """Whether replicas are forked from a process that has loaded their libraries; else each loads them anew."""
        ...

    def zone_offset_seconds(self, zone: str, at: Instant) -> int:
        """Seconds that a zone's clocks are ahead of UTC at an instant; 0 for a zone that is not known."""
        ...
