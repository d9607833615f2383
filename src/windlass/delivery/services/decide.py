"""The slice of one service: what every site is told.

Weights are whole hundredths of a per cent and always sum to 10,000: the champion gets what the candidate does not.
"""

from windlass.delivery.placements.types import Placed
from windlass.delivery.services.types import (
    AloneLimit,
    ReplicaSet,
    Route,
    ServiceMove,
    ServiceSlice,
    ServiceView,
    Serving,
    Silent,
)
from windlass.kernel.decisions import Decision
from windlass.kernel.digests import short
from windlass.kernel.instants import Instant

WEIGHTS = 10_000
ALONE = AloneLimit(requests_min=100, failed_share_max=0.25)  # far beyond any limit of a file: alone, a site acts late


def decide(view: ServiceView, now: Instant) -> Decision[ServiceMove]:
    """Say whether the service answers, and with which releases."""
    if not view.champion and not view.candidate:
        return Decision(ServiceMove.SILENT, Silent())
    shares = tuple((short(route.release), route.weight / WEIGHTS) for route in routes(view))
    return Decision(ServiceMove.SERVE, Serving(shares))


def routes(view: ServiceView) -> tuple[Route, ...]:
    """The routes with their weights; a release without a share has no route."""
    weight = round(view.share * WEIGHTS) if view.candidate else 0
    if not view.champion:
        weight = WEIGHTS
    found = []
    if view.champion and weight < WEIGHTS:
        found.append(Route(view.champion, WEIGHTS - weight, "champion"))
    if view.candidate and weight > 0:
        found.append(Route(view.candidate, weight, "candidate"))
    return tuple(found)


def slice_of(view: ServiceView, placed: tuple[Placed, ...]) -> ServiceSlice | None:
    """The slice for the sites; None where the service does not answer."""
    found = routes(view)
    if not found:
        return None
    return ServiceSlice(
        service=view.service,
        step_id=view.step_id,
        routes=found,
        replicas=tuple(ReplicaSet(one.release, one.count, one.memory_bytes) for one in placed),
        salt=view.salt,
        way_back=view.way_back,
        unit_header=view.unit_header,
        timeout_seconds=view.timeout_seconds,
        idempotent=view.idempotent,
        alone=ALONE if len(found) > 1 else None,
        banned=view.banned,
        seen_entries=view.seen_entries,
    )
