"""What every mailbox between the engine and its sites keeps."""

from windlass.facts.counts import SiteReport
from windlass.kernel.instants import Instant
from windlass.ports.sites import SignedPlan, Sites


class SitesConformance:
    """Give a fixture `sites`: one without plans and reports."""

    def test_the_newest_plan_is_laid_out(self, sites: Sites) -> None:
        """Each site finds the plan of the highest generation, whatever the order in which plans come."""
        for generation in (3, 5, 4, 1):
            sites.publish(SignedPlan("local", generation, f"plan {generation}", "00"))
        sites.publish(SignedPlan("edge", 2, "plan 2", "00"))
        assert sites.plan("local") == SignedPlan("local", 5, "plan 5", "00")
        assert sites.plan("edge") == SignedPlan("edge", 2, "plan 2", "00")
        assert sites.plan("unknown") is None

    def test_the_newest_report_is_kept(self, sites: Sites) -> None:
        """Reports are ordered by their number; repeated and late ones change nothing, and make nothing look fresh."""
        for seq, at in ((1, 10), (3, 30), (2, 40), (3, 50)):
            sites.accept(SiteReport("local", 7, seq, at), Instant(at + 1))
        assert sites.reports() == ((SiteReport("local", 7, 3, 30), Instant(31)),)

    def test_reports_are_sorted_by_site(self, sites: Sites) -> None:
        """Every site's report is there once, in the order of the names."""
        for site in ("b", "c", "a", "b"):
            sites.accept(SiteReport(site, 1, 1, 1), Instant(2))
        assert [report.site for report, _ in sites.reports()] == ["a", "b", "c"]
