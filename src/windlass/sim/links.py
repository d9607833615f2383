"""The line between a simulated site and the engine: both ends in memory, and a fault may cut it."""

from collections import deque
from dataclasses import dataclass, field

from windlass.adapters.simulated.world import SimulatedClock
from windlass.engine.commands import accept_report
from windlass.engine.loop import Engine
from windlass.facts.counts import SiteReport
from windlass.kernel.errors import Unavailable
from windlass.kernel.instants import NEVER, Instant
from windlass.ports.sites import SignedPlan

PLANS_KEPT = 4


@dataclass(slots=True)
class Link:
    """The site's uplink. `engine` is None while the control plane is dead; `is_cut` while the network is.

    While `is_slow` reports are under way until `arrive` is called. `counted_at` is the true instant at which the newest
    report that the engine has was made, `delivered` says whose it was, and how many of that process came in a row.
    """

    site: str
    clock: SimulatedClock
    engine: Engine | None = None
    is_cut: bool = False
    is_slow: bool = False
    counted_at: Instant = NEVER
    delivered: tuple[str, int] = ("", 0)
    plans: deque[SignedPlan] = field(default_factory=lambda: deque(maxlen=PLANS_KEPT))  # the last ones, oldest first
    on_the_way: list[tuple[SiteReport, Instant]] = field(default_factory=list)

    async def fetch(self, known: int) -> SignedPlan | None:
        """The plan, if it is newer than `known`."""
        plan = self._answering().ports.sites.plan(self.site)
        if plan is not None and plan not in self.plans:
            self.plans.append(plan)
        return plan if plan is not None and plan.generation > known else None

    async def report(self, report: SiteReport) -> None:
        """Hand over a report."""
        self._answering()
        self.on_the_way.append((report, self.clock.now()))
        if self.is_slow:
            raise Unavailable("no answer in time", code="simulated-link")
        self.arrive()

    def arrive(self) -> None:
        """What is on the way arrives, the newest first: a later message may overtake an earlier one."""
        messages, self.on_the_way = self.on_the_way[::-1], []
        for report, made_at in messages:
            is_first = self.counted_at == NEVER and made_at < self.clock.now()
            if self.engine is not None and not self.is_cut and not is_first:
                accept_report(self.engine, report)
                if made_at >= self.counted_at:
                    boot, count = self.delivered
                    self.delivered = (report.boot, count + 1 if report.boot == boot else 1)
                self.counted_at = max(self.counted_at, made_at)

    def connect(self, engine: Engine | None) -> None:
        """Another engine answers, or none does; a new one has heard nothing yet."""
        self.engine = engine
        self.counted_at = NEVER
        self.delivered = ("", 0)
        self.on_the_way.clear()  # a message to a process that has ended arrives nowhere

    def _answering(self) -> Engine:
        if self.engine is None or self.is_cut:
            raise Unavailable("the control plane does not answer", code="simulated-link")
        return self.engine
