"""What a site is told about one service: its replicas, its routes, its way back. The slice of a signed plan."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Route:
    """A release's part of the traffic. `weight` is in hundredths of a per cent: those of a service sum to 10,000."""

    release: str
    weight: int
    role: str  # champion, candidate


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """How many replicas of one release must be ready."""

    release: str
    count: int
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class AloneLimit:
    """A limit by which a site may set a canary to 0 while it is alone: at least `requests_min` requests, and more than
    `failed_share_max` of them failed."""

    requests_min: int
    failed_share_max: float


@dataclass(frozen=True, slots=True)
class ServiceSlice:
    """One service in a site's plan.

    `step_id` is what the gateway writes on each request's line; `salt` makes sticky assignment different in each
    rollout; `way_back` is the release that a person's rollback at the site returns to; `seen_entry` is the last
    journal entry of this site that the control plane has adopted; `seen_entries` holds those of all sites, before the
    slice is cut for one; `banned` releases are quarantined and never serve.
    """

    service: str
    step_id: str
    routes: tuple[Route, ...]
    replicas: tuple[ReplicaSet, ...]
    salt: str = ""
    way_back: str = ""
    unit_header: str = ""
    timeout_seconds: float = 10.0
    idempotent: bool = True
    alone: AloneLimit | None = None
    banned: tuple[str, ...] = ()
    seen_entry: int = 0
    seen_entries: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SitePlan:
    """The whole plan of one site. A site refuses an older generation than it holds."""

    site: str
    generation: int
    services: tuple[ServiceSlice, ...] = ()


class ServiceMove(StrEnum):
    SERVE = "serve"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class ServiceView:
    """Who shall answer for a service: the champion, and a candidate with its share (0 to 1)."""

    service: str
    champion: str
    candidate: str
    share: float
    step_id: str
    salt: str
    way_back: str
    unit_header: str
    timeout_seconds: float
    idempotent: bool
    banned: tuple[str, ...]
    seen_entries: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Silent:
    def sentence(self) -> str:
        return "no release is live yet"


@dataclass(frozen=True, slots=True)
class Serving:
    shares: tuple[tuple[str, float], ...]

    def sentence(self) -> str:
        return ", ".join(f"{release} at {share:.0%}" for release, share in self.shares)
