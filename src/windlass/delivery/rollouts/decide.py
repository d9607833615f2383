"""The next move of one rollout.

The order of the rules is the point. Going back comes first and may use old counts; advancing comes last and may not.
We do not compare the error rate with a fixed number: such a rule errs more the longer it is watched.
"""

from windlass.delivery.rollouts.types import (
    AboveLimit,
    CountsIncomplete,
    EdgesKnown,
    FirstRelease,
    GateSays,
    HarmShown,
    Move,
    NothingToMove,
    NoTraffic,
    NotReady,
    NotYetSafe,
    ReplacedBy,
    RolloutView,
    SafetyShown,
    Soaking,
    StaleView,
    Stopped,
    TimeUp,
    WillNotStart,
    WrongSplit,
)
from windlass.kernel.decisions import Because, Decision, Until
from windlass.kernel.digests import short
from windlass.kernel.instants import Instant, later, rfc3339, seconds_between


def decide(view: RolloutView, now: Instant) -> Decision[Move]:
    """Say whether traffic starts to move, goes back, holds or advances."""
    if not view.moving:
        return _start(view)
    return _back(view, now) or _stopped(view) or _wait(view, now) or _forward(view)


def _start(view: RolloutView) -> Decision[Move]:
    if not view.candidate:
        return Decision(Move.NONE, NothingToMove(), Until("a commit leads to a new release"))
    if view.verdict != "pass" and not view.overridden:
        until = (
            "the gate has judged" if not view.verdict else "another commit, a new gate or `windlass promote --override`"
        )
        return Decision(Move.NONE, GateSays(view.verdict, view.refused), Until(until))
    stopped = _stopped(view)
    if stopped is not None:
        return stopped
    if not view.champion:
        return Decision(Move.STRAIGHT, FirstRelease())
    if view.verdict != "pass":
        return Decision(Move.START, Stopped("a person overrode the gate"))
    return Decision(Move.START, view.few or GateSays("pass"))


def _back(view: RolloutView, now: Instant) -> Decision[Move] | None:
    evidence, limits = view.evidence, view.limits
    if view.verdict == "fail" and not view.overridden:
        return Decision(Move.BACK, GateSays("fail"))
    if evidence.harm_e >= limits.harm_e_min and evidence.ratio_e < limits.ratio_e_min:
        shown = HarmShown(evidence.canary_requests, evidence.harm_e, limits.harm_e_min)
        return Decision(Move.BACK, shown, evidence=evidence.details)
    if view.site.start_failures >= limits.start_failures_max:
        return Decision(Move.BACK, WillNotStart(view.site.start_failures, view.site.words))
    if view.unsure == "back" and now >= later(view.began, seconds=limits.time_limit_seconds):
        return Decision(Move.BACK, TimeUp(limits.time_limit_seconds), evidence=evidence.details)
    if view.newer_passed:
        return Decision(Move.BACK, ReplacedBy(short(view.newer_passed)))
    return None


def _stopped(view: RolloutView) -> Decision[Move] | None:
    if view.paused_by:
        return _hold(Stopped(f"paused by {view.paused_by}"), Until("`windlass resume`"))
    if view.frozen_by:
        at = view.frozen_until
        ends = [rfc3339(at)] if at is not None else []
        ends += [] if view.in_window else ["`windlass resume`"]
        return _hold(Stopped(f"frozen by {view.frozen_by}"), Until(" or ".join(ends), at))
    return None


def _wait(view: RolloutView, now: Instant) -> Decision[Move] | None:
    evidence, limits, site = view.evidence, view.limits, view.site
    if view.verdict != "pass" and not view.overridden:
        return _hold(GateSays(view.verdict, view.refused), Until("the gate passes or fails"))
    if not site.ready:
        return _hold(NotReady(site.words), Until("the site has them ready"))
    if not view.champion:
        return None
    age_seconds = seconds_between(site.counted_at, now)
    if age_seconds > limits.age_seconds_max:
        return _hold(StaleView(age_seconds, limits.age_seconds_max), Until("fresh counts"))
    if site.gap:
        return _hold(CountsIncomplete(), Until("a person decides: `windlass promote` or `windlass abort`"))
    if evidence.ratio_e >= limits.ratio_e_min:
        return _hold(WrongSplit(evidence.ratio_e), Until("a person looks: `windlass abort` or `windlass promote`"))
    soaked_at = later(view.step_began, seconds=limits.soak_seconds)
    if view.step_began <= now < soaked_at:  # a step from the future was begun by a clock that was wrong
        return _hold(Soaking(seconds_between(now, soaked_at)), Until("the soak ends", soaked_at))
    if view.edges_ready and not view.has_edges:
        return Decision(Move.MEASURE, EdgesKnown())
    return _unsafe(view, now)


def _unsafe(view: RolloutView, now: Instant) -> Decision[Move] | None:
    evidence, limits = view.evidence, view.limits
    weakest, above = evidence.weakest, evidence.exceeded
    is_shown = weakest is not None and weakest.safety_e >= limits.safety_e_min and evidence.canary_requests > 0
    if is_shown and above is None:
        return None
    if now >= later(view.began, seconds=limits.time_limit_seconds):
        until = Until("more canary requests, or `windlass promote` or `windlass abort`")
        return _hold(TimeUp(limits.time_limit_seconds), until, evidence.details)
    if weakest is None or not evidence.canary_requests:
        return _hold(NoTraffic(), Until("requests"))
    if is_shown and above is not None:
        until = Until("the share falls, or `windlass promote` or `windlass abort`")
        return _hold(AboveLimit(above.observed, above.exceeded), until, evidence.details)
    because = NotYetSafe(weakest.name, weakest.safety_e, limits.safety_e_min, weakest.requests_short)
    return _hold(because, Until("more canary requests"), evidence.details)


def _forward(view: RolloutView) -> Decision[Move]:
    if not view.champion:
        return Decision(Move.PROMOTE, FirstRelease())
    shown = SafetyShown(view.evidence.canary_requests)
    last = view.step + 1 >= len(view.shares) or view.shares[view.step + 1] >= 1.0
    return Decision(Move.PROMOTE if last else Move.ADVANCE, shown, evidence=view.evidence.details)


def _hold(because: Because, until: Until, evidence: tuple[str, ...] = ()) -> Decision[Move]:
    return Decision(Move.HOLD, because, until, evidence)
