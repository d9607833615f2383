"""A line to a control plane that is two fields."""

from windlass.facts.counts import SiteReport
from windlass.kernel.errors import Unavailable
from windlass.ports.sites import SignedPlan


class SimulatedUplink:
    """`plan` is what the control plane has laid out, `reports` what it was told; while `is_cut` it does not answer."""

    def __init__(self, plan: SignedPlan | None = None) -> None:
        self.plan = plan
        self.reports: list[SiteReport] = []
        self.is_cut = False

    async def fetch(self, known: int) -> SignedPlan | None:
        """The plan, if it is newer."""
        self._answer()
        return self.plan if self.plan and self.plan.generation > known else None

    async def report(self, report: SiteReport) -> None:
        """Take a report."""
        self._answer()
        self.reports.append(report)

    def _answer(self) -> None:
        if self.is_cut:
            raise Unavailable("the control plane does not answer", code="simulated")
