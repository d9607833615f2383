"""What lies around beside facts and stored files: made once, useful later, and worth removing when nothing needs it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from windlass.kernel.digests import Digest
from windlass.kernel.instants import Instant

KINDS = ("environment", "overlay", "job", "log", "replica-log", "mirror", "remains", "unfinished")


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that nobody uses at this moment.

    `kind` is one of `KINDS`: remains are half removed, and what is unfinished is half made; `name` is unique in its
    kind. `size_bytes` would become free; what other names still hold does not count. An environment is needed
    again where one of `digests` is: its own, and that of its lock.
    """

    kind: str
    name: str
    size_bytes: int
    changed_at: Instant
    digests: tuple[Digest, ...] = ()


class Leftovers(Protocol):
    """Finds and removes what may be left over. Whether it is needed again is the caller's question."""

    async def found(self, repositories: Collection[str]) -> tuple[Leftover, ...]:
        """Everything that no process uses now, but for mirrors of `repositories`: by kind, in the order of `KINDS`, and
        then by name.

        Raises:
            Unavailable: the disk fails.
        """
        ...

    async def remove(self, leftovers: Collection[Leftover]) -> tuple[Leftover, ...]:
        """Remove these, each at once or, after a crash, by the next call; those that really went.

        What has come into use since it was found stays.

        Raises:
            Unavailable: the disk fails.
        """
        ...
