"""Model servers, one process per replica, started by the site alone."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ReplicaWanted:
    """`name` is unique at the site and short; `release` a digest that was materialised and verified."""

    name: str
    service: str
    release: str
    memory_bytes: int = 0
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class ReplicaProcess:
    """A replica as it is now. `state` is starting, ready, draining or failed; `socket` is where it answers: it takes
    connections in every state but draining, and they wait until a process serves them."""

    name: str
    service: str
    release: str
    state: str
    socket: str
    pid: int = 0
    words: str = ""


class Replicas(Protocol):
    """Starts, finds and ends model servers. Verbs are idempotent."""

    async def start(self, wanted: ReplicaWanted) -> None:
        """Start the replica, unless one of this name runs; `look` says how it goes. Its listening socket outlives the
        process. A failed one is started anew."""
        ...

    async def look(self) -> tuple[ReplicaProcess, ...]:
        """Every replica of this site, adopted ones too, sorted by name; each was asked whether it is ready."""
        ...

    async def stop(self, name: str, drain_seconds: float) -> None:
        """Begin to end it: running requests get at most `drain_seconds`, then the process and its socket are gone."""
        ...
