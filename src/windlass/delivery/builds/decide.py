"""The next move of a service's builds.

One build runs at a time; while it runs only the newest commit waits. A failed build is no result: another commit with
the same key builds again, the same commit only where the world was at fault.
"""

from windlass.delivery.builds.types import (
    ATTEMPTS_MAX,
    RETRY_SECONDS,
    BuildBroken,
    BuildDue,
    BuildEnded,
    BuildHeld,
    BuildMove,
    BuildRuns,
    BuildStopped,
    BuildView,
    Built,
    NothingWanted,
)
from windlass.facts.state import BuildState, Wanted
from windlass.kernel.decisions import Decision, Until
from windlass.kernel.digests import short
from windlass.kernel.instants import Instant, later

AGAIN_KINDS = ("network", "disk", "crash")  # not the user's fault; a crash of ours is often one of the machine


def decide(view: BuildView, now: Instant) -> Decision[BuildMove]:
    """Say whether a build starts, is waited for, or has become a result."""
    if view.running is not None:
        return _running(view, view.running)
    if view.wanted is None:
        return Decision(BuildMove.NONE, NothingWanted())
    if view.quarantined:
        until = Until("another commit, or `windlass retry` lifts the quarantine")
        return Decision(BuildMove.NONE, BuildHeld(f"this build is quarantined: {view.quarantined}"), until)
    if view.known is not None and view.known.state == "made":
        return _made(view.known, view.wanted)
    if view.hold:
        return Decision(BuildMove.NONE, BuildHeld(view.hold), Until("there is room again"))
    if view.known is not None and view.known.commit == view.wanted.commit:
        return _failed(view.known, now)
    return Decision(BuildMove.START, BuildDue(short(view.wanted.commit), 1))


def _running(view: BuildView, running: BuildState) -> Decision[BuildMove]:
    commit = short(running.commit)
    if view.job is None or view.job.state == "running":
        progress = view.job.progress if view.job else ""
        return Decision(BuildMove.WAIT, BuildRuns(commit, progress), Until("the build ends"))
    return Decision(BuildMove.RECORD, BuildEnded(commit, view.job.words or view.job.state))


def _made(known: BuildState, wanted: Wanted) -> Decision[BuildMove]:
    move = BuildMove.NONE if known.commit == wanted.commit else BuildMove.REUSE
    return Decision(move, Built(short(known.release)))


def _failed(known: BuildState, now: Instant) -> Decision[BuildMove]:
    commit = short(known.commit)
    if known.cancelled_by:
        until = Until("another commit, or `windlass retry`")
        return Decision(BuildMove.NONE, BuildStopped(commit, known.words), until)
    if known.kind not in AGAIN_KINDS or known.attempt >= ATTEMPTS_MAX:
        until = Until("another commit, or `windlass retry`")
        return Decision(BuildMove.NONE, BuildBroken(commit, known.words), until)
    next_at = later(known.at, seconds=RETRY_SECONDS[known.attempt - 1])
    if known.at <= now < next_at:  # a failure from the future was noted by a clock that was wrong
        return Decision(BuildMove.WAIT, BuildBroken(commit, known.words, next_at), Until("the next attempt", next_at))
    return Decision(BuildMove.START, BuildDue(commit, known.attempt + 1))
