"""The loop: observe, plan, commit, apply.

Every pass starts from stored facts and fresh observations, so a crash at any point costs nothing but the pass. Events
only set `woken`; with every event lost the loop still looks once a second while something moves.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from windlass.engine import observe
from windlass.engine.apply.jobs import apply_jobs, wanted_jobs
from windlass.engine.apply.sites import LOCAL, apply_plans
from windlass.engine.commit import commit_facts, commit_plans
from windlass.engine.outcomes import Attempts
from windlass.engine.planning import Planning
from windlass.engine.ports import EnginePorts
from windlass.facts.ledger import Fact
from windlass.facts.observed import JobSeen
from windlass.kernel.errors import Unavailable, WindlassError
from windlass.kernel.instants import NEVER, Instant, later
from windlass.planner.types import ServicePlan
from windlass.ports.store import Stored

MOVING_SECONDS = 1.0  # a look each second while something moves: soak and evidence are measured in seconds
SETTLED_SECONDS = 5.0
TICK_SECONDS = 0.1  # how soon a hint is noticed
COMMIT_ATTEMPTS_MAX = 10

log = logging.getLogger("windlass.engine")


@dataclass(slots=True)
class Engine:
    """The control plane's mind. `plans` and `jobs` hold the last pass, for those who ask."""

    ports: EnginePorts
    sites: tuple[str, ...] = (LOCAL,)
    watch: observe.Watch = field(default_factory=observe.Watch)
    stored: Stored | None = None
    jobs: tuple[JobSeen, ...] = ()
    attempts: Attempts = field(default_factory=Attempts)
    woken: bool = True
    passes: int = 0  # that came to their end
    due: Instant = NEVER
    planning: Planning = field(init=False)

    def __post_init__(self) -> None:
        self.planning = Planning(self.ports, self.sites)

    @property
    def plans(self) -> Mapping[str, ServicePlan]:
        """The plan of each service as the last pass made it."""
        return self.planning.plans

    @property
    def contradictions(self) -> Mapping[str, tuple[str, ...]]:
        """What is wrong with a service's plan, where the last pass refused it."""
        return self.planning.contradictions

    async def run(self) -> None:
        """Pass after pass until cancelled; an unavailable disk or port is waited out with back-off."""
        while True:
            await self.turn()
            await self.ports.clock.sleep(TICK_SECONDS)

    async def turn(self) -> None:
        """A pass, if something woke the loop or it is time for one, and no failure is waited out."""
        now = self.ports.clock.now()
        if (self.woken or now >= self.due) and now >= self.attempts.next_at:
            self.woken = False
            self.due = await self._guarded_step()

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
        self.passes += 1
        return self._next_look(now)

    def _next_look(self, now: Instant) -> Instant:
        if self.stored is None:
            return now  # somebody else stored something: plan again at once, from what is stored now
        moving = bool(wanted_jobs(self.stored.services)) or any(
            state.rollout is not None or state.acts for state in self.stored.services.values()
        )
        wanted = later(now, seconds=MOVING_SECONDS if moving else SETTLED_SECONDS)
        return min(
            [
                wanted,
                *self.watch.due.values(),
                *(one.until for one in self.plans.values() if one.until is not None and one.until > now),
            ]
        )

    async def step(self) -> bool:
        """One pass. True where something was stored."""
        stored = self.stored if self.stored is not None else await self.ports.store.load()
        self.jobs = await self.ports.compute.look()
        observed = await observe.repositories(self.ports, self.watch, stored.repositories, stored.services)
        committed = await commit_facts(self.ports.store, stored, observed)
        if not committed.won:
            self._read_again()
            return False
        plans = await self.planning.plan(committed.stored, self.jobs)
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

    async def _apply(self, stored: Stored) -> None:
        apply_plans(self.ports, self.sites, stored)
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
            try:
                committed = await commit_facts(self.ports.store, stored, make(stored))
            except Unavailable:
                self._read_again()  # it may be stored all the same, and then it must be answered
                raise
            if committed.won:
                self.stored = committed.stored
                self.woken = True
                return committed.stored
            self.stored = None
        raise Unavailable("the facts change too fast to add one", code="store-busy", remedy="try again")
