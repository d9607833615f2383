"""The next orders of a site, from what its plan wants and what runs.

Start before stop, drain before kill: a release gets traffic once its replicas are ready, keeps them until its requests
have ended, and a crashed one keeps its place, because its socket holds the connections until a successor takes them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from windlass.delivery.services.names import replica_name
from windlass.delivery.services.types import ReplicaSet, Route, ServiceSlice
from windlass.kernel.instants import seconds_between
from windlass.ports.replicas import ReplicaProcess, ReplicaWanted
from windlass.ports.traffic import Endpoints
from windlass.site.acts import without
from windlass.site.types import Orders, SiteView, Stop

DRAIN_SECONDS = 10.0  # for replicas whose service is known no more

Pair = tuple[str, str]  # service, release


@dataclass(frozen=True, slots=True)
class _Seen:
    """The view with what is asked of it again and again: a site may serve a thousand services."""

    view: SiteView
    ready: Mapping[Pair, tuple[ReplicaProcess, ...]]
    routed: Mapping[str, ServiceSlice]
    timeouts: Mapping[str, float]


def decide(view: SiteView) -> Orders:
    """Say which replicas start and stop, and what the gateway shall route."""
    seen = _seen(view)
    chosen = [_choose(piece, seen) for piece in view.slices]
    wanted = _wanted(view.slices, chosen)
    endpoints = _endpoints(seen, chosen, wanted)
    return Orders(
        start=_starts(view, wanted),
        stop=_stops(seen, wanted, endpoints),
        services=tuple(chosen),
        endpoints=endpoints,
        unready=tuple(
            piece.service
            for piece, one in zip(view.slices, chosen, strict=True)
            if piece != one or not _is_answered(one, seen, wanted)
        ),
    )


def _seen(view: SiteView) -> _Seen:
    ready: dict[Pair, tuple[ReplicaProcess, ...]] = {}
    for one in view.replicas:
        if one.state == "ready":
            pair = (one.service, one.release)
            ready[pair] = (*ready.get(pair, ()), one)
    routed = {piece.service: piece for piece in view.routed.services}
    timeouts = {piece.service: piece.timeout_seconds for piece in (*view.routed.services, *view.slices)}
    return _Seen(view, ready, routed, timeouts)


def _choose(piece: ServiceSlice, seen: _Seen) -> ServiceSlice:
    """The slice itself once its releases are ready, else the one that is routed now."""
    routed = seen.routed.get(piece.service)
    if routed is None:
        return _first(piece, seen)
    now_routed = {route.release for route in routed.routes if route.weight > 0}
    awaited = [one for one in _unready(piece, seen) if one.release not in now_routed]
    return _purged(routed, piece.banned) if awaited else piece


def _first(piece: ServiceSlice, seen: _Seen) -> ServiceSlice:
    """Where nothing is known to be routed: an agent that lost its state finds a gateway that serves.

    A candidate that is not ready yet leaves its share to a champion that is, in a step of its own: what is counted
    then is not the plan's step.
    """
    unready = _unready(piece, seen)
    champions = [one.release for one in piece.routes if one.role == "champion" and one not in unready]
    candidates = [one.release for one in unready if one.role == "candidate"]
    if not champions or not candidates:
        return piece
    for release in candidates:
        piece = without(piece, release, champions[0])
    return replace(piece, step_id=f"{piece.step_id}.w")


def _unready(piece: ServiceSlice, seen: _Seen) -> list[Route]:
    """The routes with a weight of which not all replicas are ready."""
    counts = {one.release: one.count for one in piece.replicas}
    return [
        route
        for route in piece.routes
        if route.weight > 0
        and len(seen.ready.get((piece.service, route.release), ())) < max(1, counts.get(route.release, 1))
    ]


def _purged(routed: ServiceSlice, banned: tuple[str, ...]) -> ServiceSlice:
    """What is routed now, without what must not serve any more. Where all of it must not, the champion stays until the
    next release is ready: nothing else could answer."""
    for release in banned:
        usable = [one.release for one in routed.routes if one.weight > 0 and one.release not in banned]
        champion = [one.release for one in routed.routes if one.role == "champion" and one.release != release]
        for refuge in (usable or champion)[:1]:
            routed = without(routed, release, refuge)
    return routed


def _is_answered(piece: ServiceSlice, seen: _Seen, wanted: Mapping[str, ReplicaWanted]) -> bool:
    """Whether each release that gets traffic has a replica that is ready, on the terms that are in force now."""
    return all(
        any(one.name in wanted for one in seen.ready.get((piece.service, route.release), ()))
        for route in piece.routes
        if route.weight > 0
    )


def _wanted(slices: Iterable[ServiceSlice], chosen: Iterable[ServiceSlice]) -> dict[str, ReplicaWanted]:
    """The replicas that must run, by name: those of the plan, and those that are routed until it can be carried out."""
    found: dict[str, ReplicaWanted] = {}
    for piece in slices:
        for one in piece.replicas:
            found.update(_named(piece, one))
    placed = {(one.service, one.release) for one in found.values()}
    for piece in chosen:
        routed = {route.release for route in piece.routes if route.weight > 0}
        for one in piece.replicas:
            if one.release in routed and (piece.service, one.release) not in placed:
                found.update(_named(piece, one))
    return found


def _named(piece: ServiceSlice, one: ReplicaSet) -> dict[str, ReplicaWanted]:
    terms = one.memory_bytes, piece.timeout_seconds
    names = [replica_name(piece.service, one.release, number, *terms) for number in range(one.count)]
    return {name: ReplicaWanted(name, piece.service, one.release, *terms) for name in names}


def _starts(view: SiteView, wanted: dict[str, ReplicaWanted]) -> tuple[ReplicaWanted, ...]:
    """What is missing starts at once; what failed starts again when its pause is over."""
    known = {replica.name: replica for replica in view.replicas}
    found = []
    for name in sorted(wanted):
        replica = known.get(name)
        history = view.history.get(name)
        may_retry = history is None or view.now >= history.retry_at
        if replica is None or (replica.state == "failed" and may_retry):
            found.append(wanted[name])
    return tuple(found)


def _stops(seen: _Seen, wanted: dict[str, ReplicaWanted], endpoints: tuple[Endpoints, ...]) -> tuple[Stop, ...]:
    """What is not wanted ends once the gateway sends nothing there."""
    in_use = {path for one in (*seen.view.routed.endpoints, *endpoints) for path in one.sockets}
    return tuple(
        Stop(replica.name, seen.timeouts.get(replica.service, DRAIN_SECONDS))
        for replica in seen.view.replicas
        if replica.name not in wanted and replica.state != "draining" and replica.socket not in in_use
    )


def _endpoints(seen: _Seen, chosen: list[ServiceSlice], wanted: dict[str, ReplicaWanted]) -> tuple[Endpoints, ...]:
    """The sockets of each release that answers: what is wanted, and what was routed until its requests have ended."""
    routed = {(piece.service, route.release) for piece in chosen for route in piece.routes if route.weight > 0}
    placed = Counter((one.service, one.release) for one in wanted.values())
    before = {(one.service, one.release): one for one in seen.view.routed.endpoints}
    alive = {replica.socket for replica in seen.view.replicas if replica.state != "draining"}
    found = []
    for pair in sorted({*placed, *before}):
        ready = seen.ready.get(pair, ())
        if pair in placed:
            due = [one for one in ready if one.name in wanted]
            enough = due if len(due) >= placed[pair] else ready  # those on old terms go when all the new ones are there
            sockets = tuple(sorted(one.socket for one in enough))
            if not sockets and pair in routed and pair in before:
                sockets = tuple(path for path in before[pair].sockets if path in alive)  # its callers wait there
        else:
            sockets = tuple(sorted(one.socket for one in ready)) if _is_draining(seen, pair) else ()
        if sockets:
            found.append(Endpoints(*pair, sockets))
    return tuple(found)


def _is_draining(seen: _Seen, pair: Pair) -> bool:
    """Whether a release that is not wanted any more may still have requests: for as long as one may take."""
    since = seen.view.idle_since.get(pair)
    return since is None or seconds_between(since, seen.view.now) < seen.timeouts.get(pair[0], DRAIN_SECONDS)
