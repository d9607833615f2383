"""Which services are planned anew in a pass, and the snapshot that each is planned from.

Planning is pure. So a service at rest keeps its plan until something changes that the plan was made from; all others
are planned anew. At rest means: the plan stores nothing, no traffic moves, and no calendar decides.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from windlass.delivery.sources.types import ServiceSpec
from windlass.engine.ports import EnginePorts
from windlass.facts.counts import JournalEntry
from windlass.facts.observed import JobSeen, SiteSeen
from windlass.facts.state import ServiceState, Wanted
from windlass.kernel.instants import Instant
from windlass.planner.check import contradictions
from windlass.planner.plan import plan
from windlass.planner.types import NOTHING_WEIGHED, ServicePlan, Snapshot
from windlass.planner.views import spec_of
from windlass.ports.store import Stored

DISK_FREE_MIN = 0.10  # below it builds pause, serving and rollback go on

log = logging.getLogger("windlass.engine")


@dataclass(slots=True)
class Planning:
    """The plans of the last pass by service, and what is wrong with those that were refused."""

    ports: EnginePorts
    sites: tuple[str, ...]
    plans: dict[str, ServicePlan] = field(default_factory=dict)
    contradictions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _resting: dict[str, Snapshot] = field(default_factory=dict)
    _specs: dict[str, tuple[Wanted, ServiceSpec]] = field(default_factory=dict)

    def heard(self) -> tuple[tuple[SiteSeen, ...], tuple[str, ...]]:
        """What the sites reported last, and those that have not reported since this process began."""
        reports = tuple(SiteSeen(report, at) for report, at in self.ports.sites.reports())
        sites = tuple(seen for seen in reports if seen.report.site in self.sites)
        return sites, tuple(sorted(set(self.sites) - {seen.report.site for seen in sites}))

    async def plan(self, stored: Stored, jobs: Sequence[JobSeen]) -> list[ServicePlan]:
        """The plans of all services; one that would contradict itself is left out and said aloud."""
        now = self.ports.clock.now()
        sites, silent = self.heard()
        held = await self._builds_held()
        found = []
        for service, state in sorted(stored.services.items()):
            spec = self._spec(state)
            snapshot = Snapshot(
                now=now,
                state=state,
                jobs=tuple(job for job in jobs if job.service == service),
                sites=sites,
                silent=silent,
                plan_generation=stored.plan_generation,
                zone_offset_seconds=self.ports.machine.zone_offset_seconds(spec.timezone, now) if spec.freeze else 0,
                builds_held=held,
                spec=spec,
                weighed=self.plans[service].weighed if service in self.plans else NOTHING_WEIGHED,
            )
            found += self._planned(snapshot)
        return found

    def _planned(self, snapshot: Snapshot) -> list[ServicePlan]:
        service = snapshot.state.service
        before = self._resting.get(service)
        if before is not None and _is_same(before, snapshot) and not _is_due(self.plans[service], snapshot.now):
            return [self.plans[service]]
        self._resting.pop(service, None)
        made = plan(snapshot)
        wrong = contradictions(snapshot.state, made)
        self.contradictions[service] = wrong
        if wrong:
            log.error("plan_refused: %s: %s", service, "; ".join(wrong))
            return []
        self.plans[service] = made
        if _is_at_rest(made, snapshot):
            self._resting[service] = snapshot
        return [made]

    def _spec(self, state: ServiceState) -> ServiceSpec:
        """The policy in force; reading it takes longer than planning, and it changes with a commit only."""
        if state.wanted is None:
            return spec_of(state)
        known = self._specs.get(state.service)
        if known is None or known[0] is not state.wanted:
            known = self._specs[state.service] = (state.wanted, spec_of(state))
        return known[1]

    async def _builds_held(self) -> str:
        free = await self.ports.machine.free_share()
        if free >= DISK_FREE_MIN:
            return ""
        return f"only {free:.0%} of the disk is free (builds need {DISK_FREE_MIN:.0%}); `windlass gc` makes room"


def _is_at_rest(made: ServicePlan, snapshot: Snapshot) -> bool:
    state, spec = snapshot.state, snapshot.spec
    frozen_until = state.freeze.until if state.freeze is not None else None
    has_calendar = bool(spec and spec.freeze) or frozen_until is not None
    return not made.facts and state.rollout is None and not has_calendar


def _is_same(before: Snapshot, now: Snapshot) -> bool:
    """Whether a plan at rest would be made from the same. A state is frozen: the same object holds the same."""
    return before.state is now.state and (before.jobs, before.builds_held, _journals(before)) == (
        now.jobs,
        now.builds_held,
        _journals(now),
    )


def _journals(snapshot: Snapshot) -> list[tuple[str, tuple[JournalEntry, ...]]]:
    return [(seen.report.site, seen.report.journal) for seen in snapshot.sites if seen.report.journal]


def _is_due(made: ServicePlan, now: Instant) -> bool:
    return made.until is not None and made.until <= now
