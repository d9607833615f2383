"""The site's side of the control plane. It may be gone for days; a site works without it."""

from typing import Protocol

from windlass.facts.counts import SiteReport
from windlass.ports.sites import SignedPlan


class Uplink(Protocol):
    """Both verbs raise Unavailable when the control plane does not answer."""

    async def fetch(self, known: int) -> SignedPlan | None:
        """The plan, if its generation is newer than `known`; may wait some seconds for one (long poll)."""
        ...

    async def report(self, report: SiteReport) -> None:
        """Hand over a report; repeating one is harmless."""
        ...
