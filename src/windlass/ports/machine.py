"""What the machine tells about itself: data and secrets outside Git, room on the disk, its Python, time zones."""

from collections.abc import Mapping
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

    def values_of(self, env: Mapping[str, str]) -> dict[str, str]:
        """The variables that a file's `env:` declares, with what `env:NAME` and `file:PATH` refer to here.

        Raises:
            UserMistake: there is no such variable, or the file cannot be read as text; `where` names the key.
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
