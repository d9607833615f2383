"""The engine's side of a site: publish signed plans, take reports."""

from dataclasses import dataclass
from typing import Protocol

from windlass.facts.counts import SiteReport
from windlass.kernel.instants import Instant


@dataclass(frozen=True, slots=True)
class SignedPlan:
    """`payload` is the canonical JSON of a `SitePlan`; `signature` is Ed25519 over it, in hex."""

    site: str
    generation: int
    payload: str
    signature: str


class Sites(Protocol):
    """Where plans are laid out and reports arrive. Sites call; nobody calls a site."""

    def publish(self, plan: SignedPlan) -> None:
        """Lay out a plan; an older generation than the one laid out is ignored."""
        ...

    def plan(self, site: str) -> SignedPlan | None:
        """The plan laid out for a site."""
        ...

    def accept(self, report: SiteReport, at: Instant) -> None:
        """Keep a site's newest report by its sequence number and the instant of its arrival."""
        ...

    def reports(self) -> tuple[tuple[SiteReport, Instant], ...]:
        """The newest report of every site, sorted by site, with the instant at which it was made, as far as its way
        tells: never later than its arrival."""
        ...
