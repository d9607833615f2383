"""Rollouts: the words, the limits, the view and the reasons with their sentences."""

from dataclasses import dataclass
from enum import StrEnum

from windlass.kernel.instants import Instant, span


class Move(StrEnum):
    NONE = "none"
    START = "start"  # begin at the first share
    STRAIGHT = "straight"  # the first release: all of the traffic at once
    MEASURE = "measure"  # the same share again, now that latency edges are known
    ADVANCE = "advance"
    PROMOTE = "promote"
    HOLD = "hold"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Limits:
    """When to act. The defaults are argued in `docs/explanation/evidence.md`."""

    harm_e_min: float = 100.0  # 1 / 0.01: a harmless release goes back at most once in 100
    safety_e_min: float = 20.0  # 1 / 0.05 for each guardrail
    soak_seconds: float = 10.0  # caches and pools need some seconds before latency means anything
    age_seconds_max: float = 15.0  # fifteen reports missed; older counts may hide the last failures
    time_limit_seconds: float = 86_400.0  # a day of hoping is enough; then a person is asked
    ratio_e_min: float = 1000.0  # the split of traffic is not the one that was asked for: no verdict is valid
    start_failures_max: int = 3  # a replica that died three times before it was ready will not come up


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One family that must be shown safe: its evidence now, and how many canary requests are still needed.

    `exceeded` is the limit that the file declares, as written, where the `observed` share of requests is above it:
    being no worse than a champion that is bad itself is then not enough.
    """

    name: str
    safety_e: float
    requests_short: int | None = None
    observed: float = 0.0
    exceeded: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the live counts say, summed over all steps of the rollout. `details` are lines for `why`."""

    canary_requests: int = 0
    control_requests: int = 0
    canary_failed: int = 0
    control_failed: int = 0
    harm_e: float = 1.0
    harm_by_family: tuple[tuple[str, float], ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    ratio_e: float = 1.0
    synthetic_share: float = 0.0
    details: tuple[str, ...] = ()

    @property
    def weakest(self) -> Guardrail | None:
        """The guardrail that is furthest from being shown safe."""
        return min(self.guardrails, key=lambda guardrail: guardrail.safety_e, default=None)

    @property
    def exceeded(self) -> Guardrail | None:
        """The first guardrail whose declared limit the canary is above."""
        return next((guardrail for guardrail in self.guardrails if guardrail.exceeded), None)


@dataclass(frozen=True, slots=True)
class SiteView:
    """How the site stands to this rollout. `counted_at` is 0 before the first report of the step in force."""

    counted_at: Instant
    gap: bool = False
    ready: bool = False  # the gateway runs the step that the plan names
    start_failures: int = 0
    words: str = ""


@dataclass(frozen=True, slots=True)
class FewRequests:
    """The gate passed, and the default first step would take too long at the rate that was seen."""

    rate_per_second: float
    share: float
    seconds: float  # infinite where nobody calls
    instead: float

    def sentence(self) -> str:
        return f"the gate passed; {self.words()}"

    def words(self) -> str:
        """Why the first step is larger than the default."""
        would = f"would take {span(self.seconds)}" if self.seconds < float("inf") else "would never end"
        seen = in_words(self.rate_per_second)
        return f"a first step of {self.share:.0%} {would} at {seen}, so it is {self.instead:.0%}"


@dataclass(frozen=True, slots=True)
class RolloutView:
    """One service's movement of traffic at one moment.

    `verdict` is the candidate's: empty, pass, fail or unsure; `refused` says that nothing could be judged. `step` is -1
    and `shares` empty where nothing moves.
    """

    candidate: str
    champion: str
    verdict: str
    overridden: bool
    moving: bool
    step: int
    shares: tuple[float, ...]
    began: Instant
    step_began: Instant
    has_edges: bool
    edges_ready: bool
    evidence: Evidence
    site: SiteView
    limits: Limits
    unsure: str = "ask"
    refused: bool = False
    paused_by: str = ""
    frozen_by: str = ""
    frozen_until: Instant | None = None
    in_window: bool = False  # a window of the file freezes it, which nobody can resume
    newer_passed: str = ""  # a newer release that may replace this one (`newer: replace`)
    few: FewRequests | None = None  # why it begins with half of the traffic, if it does


@dataclass(frozen=True, slots=True)
class NothingToMove:
    def sentence(self) -> str:
        return "no release waits for traffic"


@dataclass(frozen=True, slots=True)
class GateSays:
    verdict: str
    refused: bool = False

    def sentence(self) -> str:
        match self.verdict:
            case "fail":
                return "the gate said no"
            case "unsure" if self.refused:
                return "the gate could not judge"
            case "unsure":
                return "the gate has not enough evidence yet"
            case "pass":
                return "the gate passed"
            case _:
                return "the gate has not judged yet"


@dataclass(frozen=True, slots=True)
class FirstRelease:
    def sentence(self) -> str:
        return "it is the first release of this service: there is nothing to compare it with"


@dataclass(frozen=True, slots=True)
class Stopped:
    """A person, a freeze or a window stops all movement."""

    words: str

    def sentence(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class HarmShown:
    canary_requests: int
    harm_e: float
    harm_e_min: float

    def sentence(self) -> str:
        return (
            f"harm shown after {self.canary_requests:,} canary requests: "
            f"evidence {_evidence(self.harm_e)} against {self.harm_e_min:.0f}"
        )


@dataclass(frozen=True, slots=True)
class WillNotStart:
    failures: int
    words: str

    def sentence(self) -> str:
        return f"its replica died {self.failures} times before it was ready: {self.words}"


@dataclass(frozen=True, slots=True)
class NotReady:
    words: str

    def sentence(self) -> str:
        return f"its replicas are not ready yet: {self.words}" if self.words else "its replicas are not ready yet"


@dataclass(frozen=True, slots=True)
class StaleView:
    age_seconds: float
    age_seconds_max: float

    def sentence(self) -> str:
        return f"the counts are {span(self.age_seconds)} old (at most {self.age_seconds_max:.0f})"


@dataclass(frozen=True, slots=True)
class CountsIncomplete:
    def sentence(self) -> str:
        return "lines are missing from the gateway's log, so the counts are no evidence"


@dataclass(frozen=True, slots=True)
class WrongSplit:
    ratio_e: float

    def sentence(self) -> str:
        return (
            f"the split of the traffic is not the one that was asked for (evidence {_evidence(self.ratio_e)} "
            "against 1,000), so no verdict would be valid"
        )


@dataclass(frozen=True, slots=True)
class Soaking:
    left_seconds: float

    def sentence(self) -> str:
        return f"soaking, {self.left_seconds:.0f} s left"


@dataclass(frozen=True, slots=True)
class NoTraffic:
    def sentence(self) -> str:
        return "no request has reached the canary yet; no traffic is never success"


@dataclass(frozen=True, slots=True)
class NotYetSafe:
    family: str
    safety_e: float
    safety_e_min: float
    requests_short: int | None

    def sentence(self) -> str:
        short = f", about {self.requests_short:,} more canary requests" if self.requests_short else ""
        return f"{self.family} not yet shown safe: evidence {self.safety_e:.1f} against {self.safety_e_min:.0f}{short}"


@dataclass(frozen=True, slots=True)
class AboveLimit:
    observed: float
    limit: str

    def sentence(self) -> str:
        return f"{self.observed:.2%} of the canary's requests are against {self.limit}, which the file declares"


@dataclass(frozen=True, slots=True)
class EdgesKnown:
    def sentence(self) -> str:
        return "the champion has answered enough requests to choose the latency edges"


@dataclass(frozen=True, slots=True)
class SafetyShown:
    canary_requests: int

    def sentence(self) -> str:
        return f"shown safe after {self.canary_requests:,} canary requests"


@dataclass(frozen=True, slots=True)
class TimeUp:
    limit_seconds: float

    def sentence(self) -> str:
        return f"no verdict after {span(self.limit_seconds)}"


@dataclass(frozen=True, slots=True)
class ReplacedBy:
    release: str

    def sentence(self) -> str:
        return f"replaced by the newer release {self.release}"


def in_words(rate_per_second: float) -> str:
    """A rate as people say it: `20 requests/s`, `3 requests/h`.

    >>> in_words(20.0), in_words(0.5), in_words(0.001), in_words(0.0)
    ('20 requests/s', '30 requests/min', '3.6 requests/h', 'no request')
    """
    if rate_per_second <= 0:
        return "no request"
    for seconds, unit in ((1, "s"), (60, "min")):
        if rate_per_second * seconds >= 1:
            return f"{rate_per_second * seconds:.3g} requests/{unit}"
    return f"{rate_per_second * 3600:.2g} requests/h"


def _evidence(value: float) -> str:
    """Evidence in words: beyond a billion its digits say nothing."""
    return f"{value:,.0f}" if value < 1e9 else "over a billion"
