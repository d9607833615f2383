"""What a site says about itself: to the control plane in reports, to people at its socket."""

from collections.abc import Mapping
from typing import Any

from windlass.delivery.services.types import ServiceSlice, SitePlan
from windlass.facts.counts import JournalEntry, ReplicaSeen, SiteReport
from windlass.kernel.instants import Instant, seconds_between
from windlass.kernel.records import to_json
from windlass.ports.replicas import ReplicaProcess
from windlass.site.acts import Journalled
from windlass.site.types import History

COUNTS_SECONDS = 5.0  # how old the counts at the control plane may be where no rollout waits for them
QUIET_SECONDS = 30.0


def replicas_seen(replicas: tuple[ReplicaProcess, ...], history: Mapping[str, History]) -> tuple[ReplicaSeen, ...]:
    """The replicas with their past."""
    none = History()
    return tuple(
        ReplicaSeen(
            one.service,
            one.release,
            one.name,
            one.state,
            history.get(one.name, none).failures,
            one.words,
            history.get(one.name, none).since,
        )
        for one in replicas
    )


def unseen_entries(plan: SitePlan | None, journal: tuple[Journalled, ...]) -> tuple[JournalEntry, ...]:
    """Entries that the plan does not name as seen; what was done to a service that has left the plan is history."""
    seen = {piece.service: piece.seen_entry for piece in plan.services} if plan else {}
    return tuple(one.entry for one in journal if one.entry.service in seen and one.entry.seq > seen[one.entry.service])


def is_due(new: SiteReport, last: SiteReport | None) -> bool:
    """On every change, soon after new counts, and in any case now and then."""
    if last is None:
        return True
    age = seconds_between(Instant(last.at), Instant(new.at))
    if _without_counts(new) != _without_counts(last):
        return True
    return age >= (COUNTS_SECONDS if new.counts != last.counts else QUIET_SECONDS)


def _without_counts(report: SiteReport) -> tuple[Any, ...]:
    return (report.generation, report.replicas, report.journal, report.gap, dict(report.stuck), report.unready)


def status(
    plan: SitePlan | None,
    routed: tuple[ServiceSlice, ...],
    report: SiteReport,
    alone_seconds: float,
) -> dict[str, Any]:
    """What `GET /status` at the site's socket answers."""
    held = {piece.service: piece for piece in plan.services} if plan else {}
    services = [
        {
            "service": piece.service,
            "step": piece.step_id,
            "routes": to_json(piece.routes),
            "replicas": [to_json(one) for one in report.replicas if one.service == piece.service],
            "way_back": held[piece.service].way_back if piece.service in held else piece.way_back,
            "unready": piece.service in report.unready,
            "stuck": report.stuck.get(piece.service, ""),
        }
        for piece in routed
    ]
    return {
        "site": report.site,
        "generation": report.generation,
        "alone_seconds": round(alone_seconds, 1),
        "services": services,
        "stuck": dict(report.stuck),
        "journal": to_json(report.journal),
    }
