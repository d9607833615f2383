"""Plans laid out and reports received, in memory: after a restart a plan is signed anew, and sites report soon.

A report that was long under way would make old counts look fresh. Clocks of two machines cannot be compared, but the
way of a report can: what it took longer than the quickest one so far, it is older than it looks.
"""

from collections import deque

from windlass.facts.counts import SiteReport
from windlass.kernel.instants import Instant
from windlass.ports.sites import SignedPlan

DRIFT = 0.001  # clocks part by less than a second in a thousand
BOOTS_MAX = 1_000  # ended agents whose late reports are known


class MailboxSites:
    """One plan and one report per site, each the newest. Reports are ordered by the agent's process and its number; one
    of a process that another has followed is late.

    Which of two processes came later cannot be told from one report each: the first one heard may be the later one. A
    process that was taken for ended, and goes on while the other is silent, is the one that lives.
    """

    def __init__(self) -> None:
        self._plans: dict[str, SignedPlan] = {}
        self._reports: dict[str, tuple[SiteReport, Instant]] = {}
        self._ended: dict[str, deque[str]] = {}
        self._doubts: dict[str, tuple[str, int]] = {}  # what the last report of a process said that was taken for ended
        self._ways: dict[str, tuple[float, Instant]] = {}  # the quickest way so far in milliseconds, and when

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
        if known is not None and not self._follows(report, known[0]):
            return
        self._doubts.pop(report.site, None)
        self._reports[report.site] = (report, Instant(report.at + round(self._way(report, at))))

    def reports(self) -> tuple[tuple[SiteReport, Instant], ...]:
        """The newest report of every site with the instant at which it was made, sorted by site."""
        return tuple(self._reports[site] for site in sorted(self._reports))

    def _follows(self, report: SiteReport, known: SiteReport) -> bool:
        if report.boot == known.boot:
            return report.seq > known.seq
        ended = self._ended.setdefault(report.site, deque(maxlen=BOOTS_MAX))
        if report.boot in ended:
            boot, seq = self._doubts.get(report.site, ("", 0))
            self._doubts[report.site] = (report.boot, report.seq)
            if boot != report.boot or report.seq <= seq:
                return False
            ended.remove(report.boot)
        else:
            self._ways.pop(report.site, None)  # a new process may come with another clock
        ended.append(known.boot)
        return True

    def _way(self, report: SiteReport, at: Instant) -> float:
        """How long a report of this process takes at best, our clock against the site's."""
        way = float(at - report.at)
        if report.site in self._ways:
            quickest, then = self._ways[report.site]
            way = min(way, quickest + DRIFT * (at - then))
        self._ways[report.site] = (way, at)
        return way
