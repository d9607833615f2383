"""Plans laid out and reports received, in memory: after a restart a plan is signed anew, and sites report soon."""

from windlass.facts.counts import SiteReport
from windlass.kernel.instants import Instant
from windlass.ports.sites import SignedPlan


class MailboxSites:
    """One plan and one report per site, each the newest. Reports are ordered by the site's own sequence number."""

    def __init__(self) -> None:
        self._plans: dict[str, SignedPlan] = {}
        self._reports: dict[str, tuple[SiteReport, Instant]] = {}

    def publish(self, plan: SignedPlan) -> None:
        """Lay out a plan; an older generation than the one laid out is ignored."""
        known = self._plans.get(plan.site)
        if known is None or plan.generation >= known.generation:
            self._plans[plan.site] = plan

    def plan(self, site: str) -> SignedPlan | None:
        """The plan laid out for a site."""
        return self._plans.get(site)

    def accept(self, report: SiteReport, at: Instant) -> None:
        """Keep a site's newest report; one that comes again, or late, changes nothing and makes nothing fresher."""
        known = self._reports.get(report.site)
        if known is None or report.seq > known[0].seq:
            self._reports[report.site] = (report, at)

    def reports(self) -> tuple[tuple[SiteReport, Instant], ...]:
        """The newest report of every site with the instant of its arrival, sorted by site."""
        return tuple(self._reports[site] for site in sorted(self._reports))
