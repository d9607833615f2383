"""Every fact in one sentence, so that `why`, logs and events use the same words."""

from collections.abc import Callable
from typing import Any

from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.kernel.digests import short
from windlass.kernel.instants import rfc3339


def sentence(fact: Fact) -> str:
    """The fact in words with its numbers, without a full stop."""
    return _SENTENCES[type(fact.body)](fact.body)


def _by(who: str, reason: str) -> str:
    return f"by {who}" + (f": {reason}" if reason else "")


def _commit_seen(body: kinds.CommitSeen) -> str:
    forced = ", a force-push: the old commit is not its ancestor" if body.forced else ""
    return f'commit {short(body.commit)} "{body.subject}" by {body.author} on {body.branch}{forced}'


def _complained(body: kinds.SourceComplained) -> str:
    return "the source is well again" if not body.complaints else "the source is wrong: " + "; ".join(body.complaints)


def _step(body: kinds.StepTaken) -> str:
    return f"step {body.step + 1}: {body.share:.0%} of the traffic, {body.because}"


def _ended(body: kinds.RolloutEnded) -> str:
    return f"release {short(body.release)} {body.outcome.replace('_', ' ')}: {body.because}"


def _releases(releases: tuple[str, ...]) -> str:
    names = ", ".join(short(release) for release in releases)
    return f"release {names} is" if len(releases) == 1 else f"releases {names} are"


def _frozen(body: kinds.Frozen) -> str:
    until = f" until {rfc3339(body.until)}" if body.until is not None else ""
    return f"frozen{until} {_by(body.who, body.reason)}"


def _retried(body: kinds.Retried) -> str:
    what = f"release {short(body.release)}" if body.release else f"build {short(body.build_key)}"
    fresh = " in a fresh environment" if body.fresh_env else ""
    return f"{what} is tried again{fresh} {_by(body.who, body.reason)}"


def _failed(body: kinds.BuildFailed) -> str:
    return f"the build of commit {short(body.commit)} failed ({body.kind}): {body.words}"


def _site_acted(body: kinds.SiteActed) -> str:
    return f"{body.verb} at site {body.site} while it was alone {_by(body.who, body.reason)}"


_SENTENCES: dict[type, Callable[[Any], str]] = {
    kinds.RepositoryWatched: lambda b: f"watching {b.branch} of {b.repository}",
    kinds.CommitSeen: _commit_seen,
    kinds.SourceComplained: _complained,
    kinds.ServiceWanted: lambda b: f'commit {short(b.commit)} "{b.subject}" is wanted',
    kinds.ServiceRefused: lambda b: f"the file of commit {short(b.commit)} is refused: " + "; ".join(b.complaints),
    kinds.ServiceAbsent: lambda b: f"absent since commit {short(b.commit)}; it keeps serving until it is retired",
    kinds.CommitSkipped: lambda b: f"commit {short(b.commit)} was skipped: {short(b.newer)} is newer",
    kinds.BuildStarted: lambda b: f"building commit {short(b.commit)}, attempt {b.attempt}",
    kinds.BuildFailed: _failed,
    kinds.BuildCancelled: lambda b: f"the build of commit {short(b.commit)} is cancelled {_by(b.who, b.reason)}",
    kinds.ReleaseMade: lambda b: (
        f"commit {short(b.commit)} became release {short(b.release)} ({b.format}, {b.size_bytes:,} bytes) "
        f"in {b.seconds:.1f} s"
    ),
    kinds.AlreadyLive: lambda b: f"commit {short(b.commit)} leads to release {short(b.release)}, which is already live",
    kinds.GateStarted: lambda b: f"judging release {short(b.release)}",
    kinds.VerdictGiven: lambda b: f"gate {b.verdict} for release {short(b.release)}: {b.sentence}",
    kinds.GateBroken: lambda b: f"the gate of release {short(b.release)} could not be run: {b.words}",
    kinds.GateCancelled: lambda b: f"the gate of release {short(b.release)} is cancelled {_by(b.who, b.reason)}",
    kinds.RolloutStarted: lambda b: f"rollout {b.rollout} of release {short(b.release)} starts: {b.because}",
    kinds.StepTaken: _step,
    kinds.RolloutEnded: _ended,
    kinds.ReleaseSuperseded: lambda b: f"release {short(b.release)} is superseded by {short(b.newer)}",
    kinds.ReleasesForgotten: lambda b: (
        f"{_releases(b.releases)} forgotten by {b.who}: nothing can reach {'it' if len(b.releases) == 1 else 'them'}"
    ),
    kinds.Quarantined: lambda b: f"release {short(b.release)} is quarantined: {b.because}",
    kinds.QuarantineLifted: lambda b: f"the quarantine of {short(b.release)} is lifted {_by(b.who, b.reason)}",
    kinds.ActAsked: lambda b: f"{b.verb} asked {_by(b.who, b.reason)}",
    kinds.ActEnded: lambda b: f"{b.verb} {b.outcome}: {b.words}",
    kinds.OverrideMade: lambda b: f"gate {b.verdict} of release {short(b.release)} overridden {_by(b.who, b.reason)}",
    kinds.Frozen: _frozen,
    kinds.Thawed: lambda b: f"no longer frozen {_by(b.who, b.reason)}",
    kinds.Paused: lambda b: f"paused {_by(b.who, b.reason)}",
    kinds.Resumed: lambda b: f"resumed {_by(b.who, b.reason)}",
    kinds.Retried: _retried,
    kinds.Retired: lambda b: f"retired {_by(b.who, b.reason)}",
    kinds.SiteActed: _site_acted,
}
