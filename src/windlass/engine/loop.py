"""The loop: observe, plan, commit, apply.

Every pass starts from stored facts and fresh observations, so a crash at any point costs nothing but the pass. Events
only set `woken`; with every event lost the loop still looks once a second while something moves.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from windlass.engine import observe
from windlass.engine.apply.jobs import apply_jobs, wanted_jobs
from windlass.engine.apply.sites import apply_plan
from windlass.engine.commit import commit_facts, commit_plans
from windlass.engine.outcomes import Attempts
from windlass.engine.ports import EnginePorts
from windlass.facts.ledger import Fact
from windlass.facts.observed import JobSeen, SiteSeen
from windlass.facts.state import ServiceState
from windlass.kernel.errors import Unavailable, WindlassError
from windlass.kernel.instants import Instant, later
from windlass.planner.check import contradictions
from windlass.planner.plan import plan
from windlass.planner.types import ServicePlan, Snapshot
from windlass.planner.views import spec_of
from windlass.ports.store import Stored

MOVING_SECONDS = 1.0  # a look each second while something moves: soak and evidence are measured in seconds
SETTLED_SECONDS = 5.0
TICK_SECONDS = 0.1  # how soon a hint is noticed
COMMIT_ATTEMPTS_MAX = 10
DISK_FREE_MIN = 0.10  # below it builds pause, serving and rollback go on

log = logging.getLogger("windlass.engine")


@dataclass(slots=True)
class Engine:
    """The control plane's mind. `plans` and `jobs` hold the last pass, for those who ask."""

    ports: EnginePorts
    watch: observe.Watch = field(default_factory=observe.Watch)
    stored: Stored | None = None
    plans: dict[str, ServicePlan] = field(default_factory=dict)
    jobs: tuple[JobSeen, ...] = ()
    attempts: Attempts = field(default_factory=Attempts)
    woken: bool = True
    contradictions: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def run(self) -> None:
        """Pass after pass until cancelled; an unavailable disk or port is waited out with back-off."""
        clock = self.ports.clock
        due = clock.now()
        while True:
            if (self.woken or clock.now() >= due) and clock.now() >= self.attempts.next_at:
                self.woken = False
                due = await self._guarded_step()
            await clock.sleep(TICK_SECONDS)

    async def _guarded_step(self) -> Instant:
        now = self.ports.clock.now()
        try:
            await self.step()
        except WindlassError as error:
            log.warning("pass_failed: %s", error)
            self.stored = None
            self.attempts.failed(error, now, self.ports.chance.uniform(0.5, 1.5))
            return self.attempts.next_at
        self.attempts.succeeded()
        return self._next_look(now)

    def _next_look(self, now: Instant) -> Instant:
        assert self.stored is not None
        moving = bool(wanted_jobs(self.stored.services)) or any(
            state.rollout is not None or state.acts for state in self.stored.services.values()
        )
        wanted = later(now, seconds=MOVING_SECONDS if moving else SETTLED_SECONDS)
        return min([wanted, *(one.until for one in self.plans.values() if one.until is not None and one.until > now)])

    async def step(self) -> bool:
        """One pass. True where something was stored."""
        stored = self.stored if self.stored is not None else await self.ports.store.load()
        self.jobs = await self.ports.compute.look()
        observed = await observe.repositories(self.ports, self.watch, stored.repositories, stored.services)
        committed = await commit_facts(self.ports.store, stored, observed)
        if not committed.won:
            self._read_again()
            return False
        plans = await self._plan(committed.stored)
        planned = await commit_plans(self.ports.store, committed.stored, plans)
        if not planned.won:
            self._read_again()
            return False
        self.stored = planned.stored
        await self._apply(planned.stored)
        changed = planned.stored.generation != stored.generation
        self.woken = self.woken or changed
        return changed

    def _read_again(self) -> None:
        """Somebody else stored something: what is in memory is old."""
        self.stored = None
        self.woken = True
        self.watch.hint()

    async def _plan(self, stored: Stored) -> list[ServicePlan]:
        now = self.ports.clock.now()
        sites = tuple(SiteSeen(report, at) for report, at in self.ports.sites.reports())
        held = await self._builds_held()
        found = []
        for service, state in sorted(stored.services.items()):
            snapshot = Snapshot(
                now=now,
                state=state,
                jobs=tuple(job for job in self.jobs if job.service == service),
                sites=sites,
                plan_generation=stored.plan_generation,
                zone_offset_seconds=self._offset(state, now),
                builds_held=held,
            )
            made = plan(snapshot)
            wrong = contradictions(state, made)
            self.contradictions[service] = wrong
            if wrong:
                log.error("plan_refused: %s: %s", service, "; ".join(wrong))
                continue
            self.plans[service] = made
            found.append(made)
        return found

    def _offset(self, state: ServiceState, now: Instant) -> int:
        if state.wanted is None or not state.wanted.spec.get("freeze"):
            return 0
        return self.ports.machine.zone_offset_seconds(spec_of(state).timezone, now)

    async def _builds_held(self) -> str:
        free = await self.ports.machine.free_share()
        if free >= DISK_FREE_MIN:
            return ""
        return f"only {free:.0%} of the disk is free (builds need {DISK_FREE_MIN:.0%}); `windlass gc` makes room"

    async def _apply(self, stored: Stored) -> None:
        apply_plan(self.ports, stored.plan_generation, stored.slices)
        if await apply_jobs(self.ports, stored.services, self.jobs):
            self.jobs = await self.ports.compute.look()

    async def current(self) -> Stored:
        """What is stored now, read if it is not in memory."""
        if self.stored is None:
            self.stored = await self.ports.store.load()
        return self.stored

    async def record(self, make: Callable[[Stored], Sequence[Fact]]) -> Stored:
        """Store what a person asked for, made from the newest state, and wake the loop.

        Raises:
            Unavailable: the store fails, or others keep committing before us.
        """
        for _ in range(COMMIT_ATTEMPTS_MAX):
            stored = await self.ports.store.load()
            committed = await commit_facts(self.ports.store, stored, make(stored))
            if committed.won:
                self.stored = committed.stored
                self.woken = True
                return committed.stored
            self.stored = None
        raise Unavailable("the facts change too fast to add one", code="store-busy", remedy="try again")
