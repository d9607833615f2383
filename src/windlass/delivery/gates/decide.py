"""When a release is judged, and when its verdict still holds.

A verdict holds for the champion and the gate lines it was given against. When one of them changes the release is judged
again, from stored scores; that is the same query of the holdout's ledger. A gate that broke has judged nothing: it is
tried again, and never counts as a pass.
"""

from windlass.delivery.gates.types import (
    ATTEMPTS_MAX,
    RETRY_SECONDS,
    GateBroke,
    GateMove,
    GateStopped,
    GateView,
    Judged,
    JudgeDue,
    JudgementEnded,
    Judging,
    NothingToJudge,
    Refusal,
    VerdictSeen,
)
from windlass.kernel.decisions import Decision, Until
from windlass.kernel.digests import short
from windlass.kernel.instants import Instant, later


def decide(view: GateView, now: Instant) -> Decision[GateMove]:
    """Say whether a gate starts, is waited for, has become a result, or whether its verdict stands."""
    release = short(view.release)
    if not view.release:
        return Decision(GateMove.NONE, NothingToJudge(), Until("a commit leads to a new release"))
    if view.running:
        return _running(view, release)
    due = _due(view, view.verdict)
    if not due and view.verdict is not None:
        return _stands(view.verdict)
    if view.cancelled:
        until = Until("another commit, or `windlass retry`")
        return Decision(GateMove.NONE, GateStopped(release, view.broken_words), until)
    if view.attempt:
        return _broken(view, due, now)
    return Decision(GateMove.START, JudgeDue(release, due))


def _running(view: GateView, release: str) -> Decision[GateMove]:
    if view.job is None or view.job.state == "running":
        return Decision(GateMove.WAIT, Judging(release, view.job.progress if view.job else ""), Until("the gate ends"))
    return Decision(GateMove.RECORD, JudgementEnded(release, view.job.words or view.job.state))


def _due(view: GateView, seen: VerdictSeen | None) -> str:
    if seen is None:
        return "it has no verdict yet"
    if seen.champion != view.champion:
        return "the champion changed since its verdict"
    if seen.policy != view.policy:
        return "the gate's lines changed since its verdict"
    if seen.verdict == "unsure" and seen.commit != view.commit:
        return "a newer commit may have brought labelled rows"
    return ""


def _stands(seen: VerdictSeen) -> Decision[GateMove]:
    because = Judged(seen.verdict, seen.sentence)
    match seen.verdict:
        case "pass":
            return Decision(GateMove.NONE, because)
        case "unsure":
            more = "a commit with more labelled rows or other gate lines"
            return Decision(GateMove.NONE, because, Until(Refusal(seen.refusal).until() if seen.refusal else more))
        case _:
            return Decision(GateMove.NONE, because, Until("another commit or other gate lines"))


def _broken(view: GateView, due: str, now: Instant) -> Decision[GateMove]:
    release = short(view.release)
    because = GateBroke(release, view.broken_words)
    if view.attempt >= ATTEMPTS_MAX:
        return Decision(GateMove.NONE, because, Until("another commit, or `windlass retry`"))
    next_at = later(view.broken_at, seconds=RETRY_SECONDS[view.attempt - 1])
    if view.broken_at <= now < next_at:  # a failure from the future was noted by a clock that was wrong
        return Decision(GateMove.WAIT, because, Until("the next attempt", next_at))
    return Decision(GateMove.START, JudgeDue(release, due, view.attempt + 1))
