"""Where facts and the target plan live. One verb writes, and it is one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from windlass.delivery.services.types import ServiceSlice
from windlass.facts.ledger import Fact
from windlass.facts.repositories import RepositoryState
from windlass.facts.state import ServiceState


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything the planner starts from. `generation` grows with every commit; `plan_generation` is the generation of
    the last commit that changed a slice: the one that sites see."""

    generation: int = 0
    plan_generation: int = 0
    repositories: Mapping[str, RepositoryState] = field(default_factory=dict)
    services: Mapping[str, ServiceState] = field(default_factory=dict)
    slices: Mapping[str, ServiceSlice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One commit: it becomes true only if the stored generation is still `parent`.

    `facts` have no numbers yet; `slices` maps a service to its new slice, or to None where it leaves the plan.
    """

    parent: int
    facts: tuple[Fact, ...] = ()
    repositories: tuple[RepositoryState, ...] = ()
    services: tuple[ServiceState, ...] = ()
    slices: Mapping[str, ServiceSlice | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactQuery:
    """Facts by service (None: all), after a number, newest `limit` of them, of some kinds (empty: all)."""

    service: str | None = None
    after: int = 0
    limit: int = 1000
    kinds: tuple[str, ...] = ()


class Store(Protocol):
    """The facts and the target plan."""

    async def load(self) -> Stored:
        """The current state."""
        ...

    async def commit(self, change: Change) -> bool:
        """Store facts, states and slices in one durable transaction; False if somebody else committed before.

        Raises:
            Unavailable: the disk is full or fails; nothing was stored.
        """
        ...

    async def facts(self, query: FactQuery) -> tuple[Fact, ...]:
        """Stored facts in the order of their numbers."""
        ...

    async def close(self) -> None:
        """Let go of the files."""
        ...
