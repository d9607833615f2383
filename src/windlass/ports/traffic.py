"""The gateway as the site agent drives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from windlass.delivery.services.types import ServiceSlice
from windlass.facts.counts import StepCounts
from windlass.kernel.instants import Instant


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where one release of one service answers: the sockets of its replicas. Two services may share a release."""

    service: str
    release: str
    sockets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrafficWish:
    """What the gateway shall do. `version` is `<generation>.<site sequence>`, never used before. Every release with
    endpoints can be named by a request; a service with a weight on a release without endpoints answers 503."""

    version: str
    services: tuple[ServiceSlice, ...]
    endpoints: tuple[Endpoints, ...]


@dataclass(frozen=True, slots=True)
class TrafficApplied:
    """`confirmed` says that the gateway runs this wish; `stuck` maps a service that was left out to the reason."""

    confirmed: bool
    stuck: Mapping[str, str] = field(default_factory=dict)
    words: str = ""


@dataclass(frozen=True, slots=True)
class TrafficCounts:
    """Absolute totals since the step began. `gap` says that lines are missing: then nothing here is evidence."""

    counts: tuple[StepCounts, ...] = ()
    gap: bool = False


class Traffic(Protocol):
    """One gateway."""

    async def start(self) -> None:
        """See that the gateway runs: adopt the one that does, else start one with the last wish. Cheap when it runs.

        Raises:
            Unavailable: the port is held by somebody else (named), or the gateway does not come up.
        """
        ...

    async def apply(self, wish: TrafficWish) -> TrafficApplied:
        """Make the gateway do what is wished, in an order in which no request fails.

        Raises:
            Unavailable: the gateway does not answer.
        """
        ...

    async def counts(self, now: Instant) -> TrafficCounts:
        """Read what finished since the last call and give the totals; durable before it returns."""
        ...

    async def forget(self, steps: frozenset[str]) -> None:
        """Drop the totals of all steps except these, each as `<service>/<step id>`."""
        ...

    async def stop(self) -> None:
        """Drain and end the gateway."""
        ...
