"""Counts into evidence: what the wagers say about one rollout, summed over all of its steps.

Harm uses every request that finished; safety only those admitted before now minus the time-out, because a slow failure
is late to the vote. Failures are what the caller saw: 5xx, time-outs, resets. Answers 400, 415 and 422 count against
the control only, never as absolute failures: a changed signature shows there. Retried requests are a guardrail of their
own, else retries would hide a crashing canary. Sources: `docs/explanation/evidence.md`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from windlass.delivery.rollouts.types import Evidence, Guardrail, Limits
from windlass.delivery.sources.types import LimitSpec
from windlass.facts.counts import Tally, added
from windlass.maths.edges import choose_edges, perhaps_above, tolerated_edge_microseconds
from windlass.maths.evidence import e_value, mean_log_e
from windlass.maths.intervals import ratio_interval
from windlass.maths.latency import (
    SAFETY_EDGE,
    USUAL_ABOVE,
    LatencyStep,
    latency_harm_log_e,
    latency_safety_log_e,
)
from windlass.maths.stakes import harm_stakes
from windlass.maths.wagers import RATIO_NI, harm_log_e, limit_log_e, safety_log_e, sample_ratio_log_e
from windlass.maths.waiting import limit_requests_needed, requests_needed, safety_growth

RETRY_STAKE = 0.05  # of the harm stake of errors: a crash loop shows within seconds even so
CHAMPION_BOUND = USUAL_ABOVE[SAFETY_EDGE] * RATIO_NI  # at most 15 % of the canary's calls are above the champion's p90
EDGES_REQUESTS_MIN = 200  # of the champion, before latency edges are chosen: p99 needs a few calls above it


@dataclass(frozen=True, slots=True)
class Arm:
    """One release's counts during one step."""

    finished: Tally
    settled: Tally


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the rollout: its share, its latency edges in microseconds, and what both arms counted."""

    share: float
    edges: tuple[int, ...]
    canary: Arm
    control: Arm


def weigh(stages: Sequence[Stage], limits: Sequence[LimitSpec]) -> Evidence:
    """The evidence of all wagers. Stages without a share inside (0, 1) say nothing and are left out."""
    used = [stage for stage in stages if 0.0 < stage.share < 1.0]
    if not used:
        return Evidence()
    canary = added([stage.canary.finished for stage in used])
    control = added([stage.control.finished for stage in used])
    families = _harm_families(used)
    harm = mean_log_e([_STAKES[name] for name, _ in families], [log_e for _, log_e in families])
    requests = canary.requests + control.requests
    return Evidence(
        canary_requests=canary.requests,
        control_requests=control.requests,
        canary_failed=canary.failed,
        control_failed=control.failed,
        harm_e=e_value(harm),
        harm_by_family=tuple((name, e_value(log_e)) for name, log_e in families),
        guardrails=_guardrails(used, limits),
        ratio_e=e_value(_split(used)),
        synthetic_share=(canary.synthetic + control.synthetic) / requests if requests else 0.0,
        details=_details(used, canary, control),
    )


def ratio_in_words(stages: Sequence[Stage]) -> str:
    """The failure rate of the canary as a multiple of the champion's, with its interval; empty without any failure.

    It holds at 99 % however often one looks. It is for people: no verdict reads it.
    """
    used = [stage for stage in stages if 0.0 < stage.share < 1.0]
    failed = [stage.canary.finished.failed for stage in used], [stage.control.finished.failed for stage in used]
    if not sum(map(sum, failed)):
        return ""
    low, high = ratio_interval(*failed, [stage.share for stage in used], alpha=0.01)
    at_most = "" if math.isinf(high) else f" and at most {high:.3g}"
    return f"failures are at least {low:.2g}{at_most} times as frequent as the champion's, with 99 % confidence"


def edges_from(control: Tally) -> tuple[int, ...]:
    """Latency edges in microseconds from the champion's counts so far; empty where they are too few."""
    return choose_edges(control.latency) if can_choose_edges(control) else ()


def can_choose_edges(control: Tally) -> bool:
    """Whether `edges_from` gives edges; quicker than asking for them."""
    return control.requests >= EDGES_REQUESTS_MIN and any(control.latency.values())


def _stakes() -> dict[str, float]:
    stakes = harm_stakes(["errors", "latency"])
    retries = stakes["errors"] * RETRY_STAKE
    return {"errors": stakes["errors"] - retries, "retries": retries, "latency": stakes["latency"]}


_STAKES = _stakes()  # they are fixed before any rollout


def _harm_families(stages: Sequence[Stage]) -> list[tuple[str, float]]:
    share = [stage.share for stage in stages]
    errors = harm_log_e(
        [stage.canary.finished.failed + stage.canary.finished.refused for stage in stages],
        [stage.control.finished.failed + stage.control.finished.refused for stage in stages],
        share,
    )
    retries = harm_log_e(
        [stage.canary.finished.retried for stage in stages],
        [stage.control.finished.retried for stage in stages],
        share,
    )
    return [("errors", errors), ("retries", retries), ("latency", latency_harm_log_e(_latency(stages, settled=False)))]


def _latency(stages: Sequence[Stage], *, settled: bool) -> list[LatencyStep]:
    return [
        LatencyStep(
            stage.share,
            stage.edges,
            (stage.canary.settled if settled else stage.canary.finished).latency,
            (stage.control.settled if settled else stage.control.finished).latency,
        )
        for stage in stages
    ]


def _guardrails(stages: Sequence[Stage], limits: Sequence[LimitSpec]) -> tuple[Guardrail, ...]:
    canary = added([stage.canary.settled for stage in stages])
    control = added([stage.control.settled for stage in stages])
    errors = [limit for limit in limits if limit.family == "errors"]
    latencies = [limit for limit in limits if limit.family == "latency"]
    found = [_error_guardrail(stages, canary, control, errors)]
    safety, counted = latency_safety_log_e(_latency(stages, settled=True)), _above_champions_usual(stages)
    ratio = mean_log_e([1.0, 1.0], [safety, limit_log_e(*counted, CHAMPION_BOUND)])
    if not latencies:
        found.append(_limit_guardrail("latency", counted, CHAMPION_BOUND, safety))
    for limit in latencies:
        slow = perhaps_above(canary.latency, round(limit.bound * 1e6))
        share, bound = _rate(slow, canary.requests), 1.0 - limit.quantile
        guardrail = _limit_guardrail(limit.line, (slow, canary.requests), bound, ratio)
        found.append(_beside_limit(guardrail, share, bound, limit))
    return tuple(found)


def _above_champions_usual(stages: Sequence[Stage]) -> tuple[int, int]:
    """How many of the canary's calls are above the champion's own p90, of how many.

    Where all calls of a service take the same time the ratio wager sees no event on either side; this one sees that.
    """
    known = [stage for stage in stages if stage.edges]
    slow = sum(
        perhaps_above(stage.canary.settled.latency, tolerated_edge_microseconds(stage.edges[SAFETY_EDGE]))
        for stage in known
    )
    calls = sum(sum(stage.canary.settled.latency.values()) for stage in known)
    return slow, calls


def _error_guardrail(stages: Sequence[Stage], canary: Tally, control: Tally, limits: Sequence[LimitSpec]) -> Guardrail:
    shares = [stage.share for stage in stages]
    ratio = safety_log_e(
        [stage.canary.settled.failed + stage.canary.settled.refused for stage in stages],
        [stage.control.settled.failed + stage.control.settled.refused for stage in stages],
        shares,
    )
    if not limits:
        growth = safety_growth(
            _rate(canary.failed, canary.requests), _rate(control.failed, control.requests), shares[-1]
        )
        return Guardrail("errors", e_value(ratio), requests_needed(ratio, Limits().safety_e_min, growth / shares[-1]))
    strictest = min(limits, key=lambda limit: limit.bound)
    guardrail = _limit_guardrail("errors", (canary.failed, canary.requests), strictest.bound, ratio)
    return _beside_limit(guardrail, _rate(canary.failed, canary.requests), strictest.bound, strictest)


def _limit_guardrail(name: str, counted: tuple[int, int], bound: float, ratio: float) -> Guardrail:
    """The mean of the wager on a limit and of the ratio wager, and how many requests are still needed."""
    log_e = mean_log_e([1.0, 1.0], [ratio, limit_log_e(*counted, bound)])
    return Guardrail(name, e_value(log_e), limit_requests_needed(counted, bound, ratio, Limits().safety_e_min))


def _beside_limit(guardrail: Guardrail, share: float, bound: float, limit: LimitSpec) -> Guardrail:
    return replace(guardrail, observed=share, exceeded=limit.line if limit.declared and share > bound else "")


def _rate(events: int, requests: int) -> float:
    return events / requests if requests else 0.0


def _split(stages: Sequence[Stage]) -> float:
    return sample_ratio_log_e(
        [stage.canary.finished.requests for stage in stages],
        [stage.control.finished.requests for stage in stages],
        [stage.share for stage in stages],
    )


def _details(stages: Sequence[Stage], canary: Tally, control: Tally) -> tuple[str, ...]:
    share = stages[-1].share
    lines = [
        f"{canary.failed:,} of {canary.requests:,} canary requests failed, {control.failed:,} of {control.requests:,} "
        f"of the champion; the canary has {share:.0%} of the traffic"
    ]
    if canary.refused or control.refused:
        lines.append(f"refused as malformed: {canary.refused:,} on the canary, {control.refused:,} on the champion")
    if canary.retried or control.retried:
        lines.append(f"retried requests: {canary.retried:,} on the canary, {control.retried:,} on the champion")
    if canary.synthetic or control.synthetic:
        share_synthetic = (canary.synthetic + control.synthetic) / max(1, canary.requests + control.requests)
        lines.append(f"{share_synthetic:.0%} of these requests were sent by `windlass send`")
    return tuple(lines)
