"""The line between a simulated site and the engine: both ends in memory, and a fault may cut it."""

from dataclasses import dataclass

from windlass.engine.commands import accept_report
from windlass.engine.loop import Engine
from windlass.facts.counts import SiteReport
from windlass.kernel.errors import Unavailable
from windlass.ports.sites import SignedPlan


@dataclass(slots=True)
class Link:
    """The site's uplink. `engine` is None while the control plane is dead; `is_cut` while the network is."""

    site: str
    engine: Engine | None = None
    is_cut: bool = False

    async def fetch(self, known: int) -> SignedPlan | None:
        """The plan, if it is newer than `known`."""
        plan = self._answering().ports.sites.plan(self.site)
        return plan if plan is not None and plan.generation > known else None

    async def report(self, report: SiteReport) -> None:
        """Hand over a report."""
        accept_report(self._answering(), report)

    def _answering(self) -> Engine:
        if self.engine is None or self.is_cut:
            raise Unavailable("the control plane does not answer", code="simulated-link")
        return self.engine
