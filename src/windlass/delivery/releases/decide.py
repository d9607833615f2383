"""Which release is the next candidate.

The newest release wins; older ones that wait are closed by it once it starts. What was rolled back is quarantined by
its digest and never comes back by itself.
"""

from windlass.delivery.releases.types import (
    InQuarantine,
    NoRelease,
    ReleaseMove,
    ReleasesView,
    SameContent,
    Waiting,
)
from windlass.facts.state import ReleaseState
from windlass.kernel.decisions import Decision, Until
from windlass.kernel.digests import short
from windlass.kernel.instants import Instant


def decide(view: ReleasesView, now: Instant) -> Decision[ReleaseMove]:
    """Name the candidate; its digest is the first line of the evidence."""
    newest = view.newest
    if newest is not None and newest.release in view.quarantine:
        until = Until("another commit, or `windlass retry` lifts the quarantine")
        return Decision(ReleaseMove.QUARANTINED, InQuarantine(short(newest.release)), until)
    if newest is not None and newest.release == view.live:
        same = SameContent(short(newest.commit), short(newest.release))
        return Decision(ReleaseMove.ALREADY_LIVE, same)
    waiting = [record for record in view.made if _waits(record, view)]
    if not waiting:
        return Decision(ReleaseMove.NONE, NoRelease(), Until("a commit leads to a new release"))
    chosen = max(waiting, key=lambda record: (_may_pass(record), record.made_at, record.release))
    named = Waiting(short(chosen.release), short(chosen.commit))
    return Decision(ReleaseMove.CANDIDATE, named, evidence=(chosen.release,))


def _waits(record: ReleaseState, view: ReleasesView) -> bool:
    return not record.fate and record.release not in view.quarantine and record.release not in (view.live, view.rolling)


def _may_pass(record: ReleaseState) -> bool:
    """A newer release that failed does not hold up an older one that passed; one not judged yet does."""
    return record.overridden or record.verdict in ("", "pass")
