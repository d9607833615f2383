"""What the planner reads and what it answers with."""

from dataclasses import dataclass, replace
from typing import Any

from windlass.delivery.rollouts.evidence import Stage
from windlass.delivery.rollouts.types import Evidence
from windlass.delivery.services.types import ServiceSlice
from windlass.delivery.sources.types import LimitSpec, ServiceSpec
from windlass.facts.fold import fold
from windlass.facts.ledger import Fact
from windlass.facts.observed import JobSeen, SiteSeen
from windlass.facts.state import ServiceState
from windlass.kernel.decisions import Decision
from windlass.kernel.instants import Instant


@dataclass(frozen=True, slots=True)
class Weighed:
    """The evidence of a rollout, and what it follows from."""

    stages: tuple[Stage, ...]
    limits: tuple[LimitSpec, ...]
    evidence: Evidence


NOTHING_WEIGHED = Weighed((), (), Evidence())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One service at one moment: its state from facts, and what is observed, each with its age.

    `silent` names the sites that have not reported since this process began; `zone_offset_seconds` is the service's
    zone at `now`; `builds_held` says why no build may start, if none may; `spec` is the policy that the state holds,
    where somebody has read it already; `weighed` is what the last pass weighed: the same counts are the same evidence.
    """

    now: Instant
    state: ServiceState
    jobs: tuple[JobSeen, ...] = ()
    sites: tuple[SiteSeen, ...] = ()
    plan_generation: int = 0
    zone_offset_seconds: int = 0
    builds_held: str = ""
    silent: tuple[str, ...] = ()
    spec: ServiceSpec | None = None
    weighed: Weighed = NOTHING_WEIGHED


@dataclass(frozen=True, slots=True)
class StageReport:
    """What one stage said: its move, why, and what it waits for."""

    stage: str
    move: str
    because: str
    until: str = ""
    until_at: Instant | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan in the making: each stage sees the state that the earlier ones lead to."""

    snapshot: Snapshot
    state: ServiceState
    spec: ServiceSpec  # the policy in force
    facts: tuple[Fact, ...] = ()
    reports: tuple[StageReport, ...] = ()

    def with_facts(self, *bodies: Any) -> "Draft":
        """The draft after more facts of this service."""
        draft = self
        for body in bodies:
            fact = Fact(self.state.service, self.snapshot.now, body)
            draft = replace(draft, state=fold(draft.state, fact), facts=(*draft.facts, fact))
        return draft

    def with_report(self, stage: str, decision: Decision[Any]) -> "Draft":
        """The draft with a stage's answer noted."""
        until = decision.until
        report = StageReport(
            stage,
            str(decision.move),
            decision.because.sentence(),
            until.words if until else "",
            until.at if until else None,
            decision.evidence,
        )
        return replace(self, reports=(*self.reports, report))


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """What one pass wants for one service: facts to store, the state they lead to, the slice for the sites,
    and what was weighed."""

    service: str
    facts: tuple[Fact, ...]
    state: ServiceState
    slice: ServiceSlice | None
    reports: tuple[StageReport, ...] = ()
    weighed: Weighed = NOTHING_WEIGHED

    @property
    def until(self) -> Instant | None:
        """The earliest instant at which this service is worth another look by itself."""
        return min((report.until_at for report in self.reports if report.until_at is not None), default=None)
