"""The next orders of a site, from what its plan wants and what runs.

Start before stop, drain before kill: a release gets traffic once its replicas are ready, keeps them until its requests
have ended, and a crashed one keeps its place, because its socket holds the connections until a successor takes them.
"""

from collections.abc import Iterable

from windlass.delivery.services.types import ReplicaSet, ServiceSlice
from windlass.kernel.digests import digest_of_value, hex_of
from windlass.kernel.instants import seconds_between
from windlass.ports.replicas import ReplicaProcess, ReplicaWanted
from windlass.ports.traffic import Endpoints
from windlass.site.types import Orders, SiteView, Stop

DRAIN_SECONDS = 10.0  # for replicas whose service is known no more
NAME_CHARACTERS = 14

Pair = tuple[str, str]  # service, release


def decide(view: SiteView) -> Orders:
    """Say which replicas start and stop, and what the gateway shall route."""
    chosen = [_choose(piece, view) for piece in view.slices]
    wanted = _wanted(view.slices, chosen)
    endpoints = _endpoints(view, chosen, wanted)
    return Orders(
        start=_starts(view, wanted),
        stop=_stops(view, wanted, endpoints),
        services=tuple(chosen),
        endpoints=endpoints,
        unready=tuple(
            piece.service
            for piece, one in zip(view.slices, chosen, strict=True)
            if piece != one or not _is_answered(one, view)
        ),
    )


def replica_name(service: str, release: str, number: int) -> str:
    """Short enough for a socket's path, and unlike any other replica's of the site."""
    mark = hex_of(digest_of_value([service, release]))[:8]
    return f"{service[:NAME_CHARACTERS].rstrip('-')}-{mark}-{number}"


def _choose(piece: ServiceSlice, view: SiteView) -> ServiceSlice:
    """The slice itself once its releases are ready, else the one that is routed now."""
    routed = next((one for one in view.routed.services if one.service == piece.service), None)
    if routed is None or routed == piece:
        return piece
    now_routed = {route.release for route in routed.routes if route.weight > 0}
    counts = {one.release: one.count for one in piece.replicas}
    for route in piece.routes:
        if route.weight == 0 or route.release in now_routed:
            continue
        if len(_ready(view, (piece.service, route.release))) < max(1, counts.get(route.release, 1)):
            return routed
    return piece


def _is_answered(piece: ServiceSlice, view: SiteView) -> bool:
    return all(_ready(view, (piece.service, route.release)) for route in piece.routes if route.weight > 0)


def _wanted(slices: Iterable[ServiceSlice], chosen: Iterable[ServiceSlice]) -> dict[str, ReplicaWanted]:
    """The replicas that must run, by name: those of the plan, and those that are routed until it can be carried out."""
    found: dict[str, ReplicaWanted] = {}
    for piece in slices:
        for one in piece.replicas:
            found.update(_named(piece, one))
    for piece in chosen:
        routed = {route.release for route in piece.routes if route.weight > 0}
        for one in piece.replicas:
            if one.release in routed and replica_name(piece.service, one.release, 0) not in found:
                found.update(_named(piece, one))
    return found


def _named(piece: ServiceSlice, one: ReplicaSet) -> dict[str, ReplicaWanted]:
    names = [replica_name(piece.service, one.release, number) for number in range(one.count)]
    return {
        name: ReplicaWanted(name, piece.service, one.release, one.memory_bytes, piece.timeout_seconds) for name in names
    }


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


def _stops(view: SiteView, wanted: dict[str, ReplicaWanted], endpoints: tuple[Endpoints, ...]) -> tuple[Stop, ...]:
    """What is not wanted ends once the gateway sends nothing there."""
    in_use = {path for one in (*view.routed.endpoints, *endpoints) for path in one.sockets}
    drains = {piece.service: piece.timeout_seconds for piece in (*view.routed.services, *view.slices)}
    return tuple(
        Stop(replica.name, drains.get(replica.service, DRAIN_SECONDS))
        for replica in view.replicas
        if replica.name not in wanted and replica.state != "draining" and replica.socket not in in_use
    )


def _endpoints(view: SiteView, chosen: list[ServiceSlice], wanted: dict[str, ReplicaWanted]) -> tuple[Endpoints, ...]:
    """The sockets of each release that answers: what is wanted, and what was routed until its requests have ended."""
    routed = {(piece.service, route.release) for piece in chosen for route in piece.routes if route.weight > 0}
    placed = {(one.service, one.release) for one in wanted.values()}
    before = {(one.service, one.release): one for one in view.routed.endpoints}
    found = []
    for pair in sorted(routed | placed | set(before)):
        if pair in placed:
            sockets = _sockets(view, pair, frozenset(wanted)) or _held(view, pair, before.get(pair), routed)
        elif _is_draining(view, pair, chosen):
            sockets = _sockets(view, pair, None)
        else:
            sockets = ()
        if sockets:
            found.append(Endpoints(*pair, sockets))
    return tuple(found)


def _sockets(view: SiteView, pair: Pair, names: frozenset[str] | None) -> tuple[str, ...]:
    return tuple(sorted(one.socket for one in _ready(view, pair) if names is None or one.name in names))


def _held(view: SiteView, pair: Pair, before: Endpoints | None, routed: set[Pair]) -> tuple[str, ...]:
    """No replica is ready: a release that is routed already keeps the sockets on which its callers wait."""
    if before is None or pair not in routed:
        return ()
    alive = {replica.socket for replica in view.replicas if replica.state != "draining"}
    return tuple(path for path in before.sockets if path in alive)


def _is_draining(view: SiteView, pair: Pair, chosen: list[ServiceSlice]) -> bool:
    """Whether a release that is not wanted any more may still have requests: for as long as one may take."""
    since = view.idle_since.get(pair)
    timeouts = {piece.service: piece.timeout_seconds for piece in (*view.routed.services, *chosen)}
    return since is None or seconds_between(since, view.now) < timeouts.get(pair[0], DRAIN_SECONDS)


def _ready(view: SiteView, pair: Pair) -> list[ReplicaProcess]:
    return [one for one in view.replicas if (one.service, one.release) == pair and one.state == "ready"]
