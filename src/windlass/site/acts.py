"""What a person's act at a site means for a service, and what stays in force of it under later plans.

An act is an entry of the journal. It holds until a plan names the entry as seen: an old plan, or one made in ignorance,
cannot undo a local rollback. What a person left gets nothing; what they paused stays as it was.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from windlass.delivery.services.types import ReplicaSet, Route, ServiceSlice
from windlass.facts.counts import JournalEntry, StepCounts, Tally
from windlass.kernel.digests import short
from windlass.kernel.errors import Refused, UserMistake

VERBS = ("rollback", "abort", "pause")


@dataclass(frozen=True, slots=True)
class Journalled:
    """An entry, and the slice that was in force when it was made."""

    entry: JournalEntry
    piece: ServiceSlice


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks of a service."""

    verb: str
    service: str
    who: str
    reason: str


def entry_for(asked: Asked, piece: ServiceSlice, seq: int, at: int) -> JournalEntry:
    """The journal's entry of an act.

    Raises:
        UserMistake: there is no such act.
        Refused: nothing could be left, or nothing to return to.
    """
    if asked.verb not in VERBS:
        raise UserMistake(f"a site knows no act {asked.verb!r}", code="no-such-act", remedy=f"use {', '.join(VERBS)}")
    candidate = next((route.release for route in piece.routes if route.role == "candidate" and route.weight > 0), "")
    champion = next((route.release for route in piece.routes if route.role == "champion"), "")
    leaves, returns_to = candidate, champion
    if asked.verb == "rollback" and not candidate:
        leaves, returns_to = champion, piece.way_back if piece.way_back != champion else ""
    if asked.verb == "rollback" and not (leaves and returns_to):
        raise Refused(f"{asked.service} has no release to go back to", code="no-way-back")
    if asked.verb != "rollback" and not candidate:
        raise Refused(f"{asked.service} has no rollout under way", code="no-rollout")
    if asked.verb == "pause":
        returns_to = ""
    return JournalEntry(seq, at, asked.verb, asked.service, leaves, returns_to, asked.who, asked.reason)


def sentence(entry: JournalEntry) -> str:
    """What an act does, for the person who asked."""
    if entry.verb == "pause":
        return f"{entry.service} stays as it is until the control plane has taken note"
    return f"{entry.service} leaves {short(entry.leaves)} and returns to {short(entry.returns_to)}"


def in_force(piece: ServiceSlice, journal: Iterable[Journalled]) -> ServiceSlice:
    """The slice after the acts that its plan has not seen, without the releases that must not serve."""
    current = piece
    for one in journal:
        entry = one.entry
        if entry.service != piece.service or entry.seq <= piece.seen_entry:
            continue
        if entry.verb == "pause":
            current = replace(one.piece, banned=(*one.piece.banned, *piece.banned), seen_entry=piece.seen_entry)
        else:
            current = _leave(current, entry)
    for release in current.banned:
        current = without(current, release, _refuge(current, release))
    return current


def breach(piece: ServiceSlice, counts: Iterable[StepCounts]) -> str:
    """Why a site that is alone sets a candidate to 0 by the signed plan's limit; empty where it does not."""
    limit = piece.alone
    candidate = next((route.release for route in piece.routes if route.role == "candidate" and route.weight > 0), "")
    if limit is None or not candidate:
        return ""
    total = Tally()
    for one in counts:
        if (one.service, one.step, one.release) == (piece.service, piece.step_id, candidate):
            total = total.plus(one.finished)
    if total.requests < limit.requests_min or total.failed <= limit.failed_share_max * total.requests:
        return ""
    return (
        f"alone: {total.failed} of {total.requests} requests failed on {short(candidate)} "
        f"(at most {limit.failed_share_max:.0%})"
    )


def _leave(piece: ServiceSlice, entry: JournalEntry) -> ServiceSlice:
    """The step gets a name of its own: its shares are not those that the rollout's evidence is weighed with."""
    left = without(piece, entry.leaves, entry.returns_to)
    if entry.returns_to:  # else nothing but it can answer until the plan has seen the act
        left = replace(left, banned=tuple(dict.fromkeys((*piece.banned, entry.leaves))))
    if left.routes == piece.routes:
        return left
    return replace(left, step_id=f"{piece.step_id}.j{entry.seq}")


def without(piece: ServiceSlice, leaves: str, returns_to: str) -> ServiceSlice:
    """The slice in which one release has no weight and another has taken it over."""
    freed = sum(route.weight for route in piece.routes if route.release == leaves)
    rest = [route for route in piece.routes if route.release != leaves]
    if len(rest) == len(piece.routes):
        return replace(piece, replicas=_without_set(piece, leaves))
    if not returns_to:
        return piece  # nothing else could answer
    if returns_to not in [route.release for route in rest]:
        rest.append(Route(returns_to, 0, "champion"))
    routes = tuple(
        replace(route, weight=route.weight + freed) if route.release == returns_to else route for route in rest
    )
    if len(routes) == 1:
        routes = (replace(routes[0], role="champion"),)
    old = next((one for one in piece.replicas if one.release == leaves), ReplicaSet(leaves, 1))
    replicas = _without_set(piece, leaves)
    if returns_to not in [one.release for one in replicas]:
        replicas = (*replicas, replace(old, release=returns_to))
    return replace(piece, routes=routes, replicas=replicas)


def _without_set(piece: ServiceSlice, release: str) -> tuple[ReplicaSet, ...]:
    return tuple(one for one in piece.replicas if one.release != release)


def _refuge(piece: ServiceSlice, release: str) -> str:
    """Where the weight of a banned release goes: to another route that is not banned, else to the way back."""
    others = [route.release for route in piece.routes if route.release != release]
    usable = [one for one in (*others, piece.way_back) if one and one != release and one not in piece.banned]
    return usable[0] if usable else ""
