"""What the agent stands on, what it sees at one moment, and what it orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from windlass.delivery.services.types import ServiceSlice
from windlass.kernel.instants import Instant
from windlass.kernel.limits import JOURNAL_RESERVED_BYTES
from windlass.ports.keys import Verifier
from windlass.ports.replicas import ReplicaProcess, Replicas, ReplicaWanted
from windlass.ports.traffic import Endpoints, Traffic, TrafficWish
from windlass.ports.uplink import Uplink
from windlass.ports.world import Chance, Clock, Disk, Tasks

GATEWAY = "gateway"  # keys of a report's `stuck` that are no services
PLAN = "plan"
DISK = "disk"
NOTHING_ROUTED = TrafficWish("", (), ())


@dataclass(frozen=True, slots=True)
class SitePorts:
    """The world of a site."""

    clock: Clock
    chance: Chance
    disk: Disk
    tasks: Tasks
    traffic: Traffic
    replicas: Replicas
    uplink: Uplink
    verifier: Verifier


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """`folder` holds plans, journal and state; `reserved_bytes` are kept free for a person's acts on a full disk."""

    site: str
    folder: str
    reserved_bytes: int = JOURNAL_RESERVED_BYTES
    tick_seconds: float = 0.5
    count_seconds: float = 1.0
    alone_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class History:
    """What the agent remembers of one replica: how often it failed, when it may be tried again, since when it is so."""

    state: str = ""
    since: Instant = Instant(0)
    failures: int = 0
    retry_at: Instant = Instant(0)


@dataclass(frozen=True, slots=True)
class SiteView:
    """One moment of a site.

    `slices` are in force after local acts; `routed` is what the gateway runs; `idle_since` says since when it sends
    nothing to a (service, release) that still has endpoints.
    """

    now: Instant
    slices: tuple[ServiceSlice, ...] = ()
    replicas: tuple[ReplicaProcess, ...] = ()
    routed: TrafficWish = NOTHING_ROUTED
    history: Mapping[str, History] = field(default_factory=dict)
    idle_since: Mapping[tuple[str, str], Instant] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """End a replica; its running requests get `drain_seconds`."""

    name: str
    drain_seconds: float


@dataclass(frozen=True, slots=True)
class Orders:
    """What is to be done next. `unready` names services whose wanted routing cannot be in force yet."""

    start: tuple[ReplicaWanted, ...] = ()
    stop: tuple[Stop, ...] = ()
    services: tuple[ServiceSlice, ...] = ()
    endpoints: tuple[Endpoints, ...] = ()
    unready: tuple[str, ...] = ()
