"""What each fact means for the state of its service: one function per kind of fact, and one table that names them."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any

from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.state import (
    ActState,
    BuildState,
    FreezeState,
    QuarantineState,
    ReleaseState,
    RolloutState,
    ServiceState,
    StepState,
    Wanted,
)
from windlass.kernel.digests import short
from windlass.kernel.instants import Instant

RELEASES_REMEMBERED = 50  # older ones are in the facts; a state row stays small enough to read in a millisecond


def fold(state: ServiceState, fact: Fact) -> ServiceState:
    """The state after one more fact of this service."""
    counted = replace(state, generation=state.generation + 1)
    meaning = _MEANINGS.get(type(fact.body))
    return counted if meaning is None else meaning(counted, fact.body, fact.at)


def fold_all(service: str, facts: Iterable[Fact]) -> ServiceState:
    """The state that all facts of a service lead to."""
    state = ServiceState(service)
    for fact in facts:
        if fact.service == service:
            state = fold(state, fact)
    return state


def _wanted(state: ServiceState, body: kinds.ServiceWanted, at: Instant) -> ServiceState:
    wanted = Wanted(
        body.repository,
        body.commit,
        body.subject,
        body.author,
        body.folder,
        body.spec,
        body.policy,
        body.build_key,
        at,
        body.data,
    )
    return replace(state, wanted=wanted, refused=(), refused_commit="", absent_since="", retired=False)


def _service_refused(state: ServiceState, body: kinds.ServiceRefused, at: Instant) -> ServiceState:
    return replace(state, refused=body.complaints, refused_commit=body.commit)


def _absent(state: ServiceState, body: kinds.ServiceAbsent, at: Instant) -> ServiceState:
    return replace(state, absent_since=body.commit)


def _build_started(state: ServiceState, body: kinds.BuildStarted, at: Instant) -> ServiceState:
    build = BuildState(body.build_key, body.commit, "running", body.job, body.attempt, at, request=body.request)
    return _with_build(state, build)


def _build_failed(state: ServiceState, body: kinds.BuildFailed, at: Instant) -> ServiceState:
    known = state.builds.get(body.build_key)
    build = BuildState(
        body.build_key,
        body.commit,
        "failed",
        known.job if known else "",
        body.attempt,
        at,
        body.words,
        body.kind,
        body.log,
    )
    return _with_build(state, build)


def _build_cancelled(state: ServiceState, body: kinds.BuildCancelled, at: Instant) -> ServiceState:
    known = state.builds.get(body.build_key)
    job, attempt = (known.job, known.attempt) if known else ("", 1)
    words = _cancelled(body.who, body.reason)
    build = BuildState(body.build_key, body.commit, "failed", job, attempt, at, words, "cancelled")
    return _with_build(state, replace(build, cancelled_by=body.who))


def _cancelled(who: str, reason: str) -> str:
    return f"cancelled by {who}" + (f": {reason}" if reason else "")


def _with_build(state: ServiceState, build: BuildState) -> ServiceState:
    return replace(state, builds={**state.builds, build.build_key: build})


def _release_made(state: ServiceState, body: kinds.ReleaseMade, at: Instant) -> ServiceState:
    known = state.builds.get(body.build_key)
    attempt, job = (known.attempt, known.job) if known else (1, "")
    build = BuildState(body.build_key, body.commit, "made", job, attempt, at, release=body.release)
    subject = state.wanted.subject if state.wanted and state.wanted.commit == body.commit else ""
    made = ReleaseState(
        body.release,
        body.commit,
        subject,
        body.build_key,
        at,
        body.format,
        body.size_bytes,
        body.signature,
        body.provenance,
    )
    earlier = state.releases.get(body.release)
    if earlier is not None:
        made = replace(
            earlier,
            commit=body.commit,
            subject=subject or earlier.subject,
            build_key=body.build_key,
            made_at=at,
            provenance=body.provenance or earlier.provenance,  # what the newest build learned from and compared
            fate=earlier.fate if body.release == state.live else "",
            gate_attempt=0,  # another commit is another attempt
            gate_words="",
            gate_cancelled_by="",
        )
    fresh_env = "" if state.fresh_env == body.build_key else state.fresh_env
    state = replace(state, releases={**state.releases, body.release: made}, fresh_env=fresh_env)
    return _forget_old(_with_build(state, build))


def _already_live(state: ServiceState, body: kinds.AlreadyLive, at: Instant) -> ServiceState:
    builds = {
        key: replace(build, commit=body.commit) if build.release == body.release else build
        for key, build in state.builds.items()
    }
    return _change_release(replace(state, builds=builds), body.release, commit=body.commit)


def _forgotten(state: ServiceState, body: kinds.ReleasesForgotten, at: Instant) -> ServiceState:
    return _without(state, set(body.releases))


def _forget_old(state: ServiceState) -> ServiceState:
    rolling = (state.rollout.release, state.rollout.champion) if state.rollout else ()
    kept = {state.live, state.previous, state.best, *rolling, *state.quarantine}
    spare = sorted((r for r in state.releases.values() if r.release not in kept), key=lambda r: (r.made_at, r.release))
    drop = {record.release for record in spare[: max(0, len(spare) - RELEASES_REMEMBERED)]}
    return _without(state, drop) if drop else state


def _without(state: ServiceState, drop: Collection[str]) -> ServiceState:
    """The state without some releases and the builds that made them."""
    builds = {key: build for key, build in state.builds.items() if build.release not in drop}
    releases = {key: record for key, record in state.releases.items() if key not in drop}
    return replace(state, releases=releases, builds=builds)


def _change_release(state: ServiceState, release: str, **changes: Any) -> ServiceState:
    record = state.releases.get(release)
    if record is None:
        return state
    return replace(state, releases={**state.releases, release: replace(record, **changes)})


def _gate_started(state: ServiceState, body: kinds.GateStarted, at: Instant) -> ServiceState:
    return _change_release(
        state, body.release, gate_job=body.job, gate_champion=body.champion, gate_request=body.request
    )


def _verdict(state: ServiceState, body: kinds.VerdictGiven, at: Instant) -> ServiceState:
    return _change_release(
        replace(state, ledger=body.scores or state.ledger),
        body.release,
        verdict=body.verdict,
        verdict_sentence=body.sentence,
        verdict_champion=body.champion,
        verdict_checks=body.checks,
        verdict_policy=body.policy,
        verdict_at=at,
        verdict_commit=body.commit,
        verdict_refusal=body.refusal,
        overridden=False,  # what a person overrode was the verdict before this one
        scores=body.scores,
        gate_job="",
        gate_request={},
        gate_attempt=0,
        gate_words="",
        gate_cancelled_by="",
    )


def _gate_broken(state: ServiceState, body: kinds.GateBroken, at: Instant) -> ServiceState:
    return _change_release(
        state,
        body.release,
        gate_job="",
        gate_request={},
        gate_attempt=body.attempt,
        gate_words=body.words,
        verdict_at=at,
    )


def _gate_cancelled(state: ServiceState, body: kinds.GateCancelled, at: Instant) -> ServiceState:
    return _change_release(
        state,
        body.release,
        gate_job="",
        gate_request={},
        gate_words=_cancelled(body.who, body.reason),
        gate_cancelled_by=body.who,
    )


def _rollout_started(state: ServiceState, body: kinds.RolloutStarted, at: Instant) -> ServiceState:
    rollout = RolloutState(body.rollout, body.release, body.commit, body.champion, body.shares, -1, "", 0.0, at, at, ())
    return replace(state, rollout=rollout)


def _step(state: ServiceState, body: kinds.StepTaken, at: Instant) -> ServiceState:
    rollout = state.rollout
    if rollout is None or rollout.rollout != body.rollout:
        return state
    moved = replace(
        rollout,
        step=body.step,
        step_id=body.step_id,
        share=body.share,
        step_began=at,
        steps_taken=(*rollout.steps_taken, StepState(body.step_id, body.share, body.edges)),
    )
    return replace(state, rollout=moved, steps_count=state.steps_count + 1, step_since=at)


def _rollout_ended(state: ServiceState, body: kinds.RolloutEnded, at: Instant) -> ServiceState:
    ended = _change_release(state, body.release, fate=body.outcome, fate_because=body.because, fate_at=at)
    ended = replace(ended, rollout=None, steps_count=ended.steps_count + 1, step_since=at)
    if body.outcome != "promoted":
        return ended
    previous = state.live if state.live != body.release else state.previous
    return replace(ended, live=body.release, live_since=at, previous=previous, best=_best(ended, body.release))


def _best(state: ServiceState, release: str) -> str:
    """The high-water mark: the promoted release moves it only if its verdict showed it better than the mark."""
    record = state.releases.get(release)
    if not state.best or state.best not in state.releases or record is None:
        return release
    against = {"best", "champion"} if record.verdict_champion == state.best else {"best"}
    beats = any(check.get("relative_to") in against and check.get("better") is True for check in record.verdict_checks)
    return release if beats else state.best


def _superseded(state: ServiceState, body: kinds.ReleaseSuperseded, at: Instant) -> ServiceState:
    words = f"superseded by {short(body.newer)}"
    return _change_release(state, body.release, fate="superseded", fate_because=words, fate_at=at)


def _quarantined(state: ServiceState, body: kinds.Quarantined, at: Instant) -> ServiceState:
    entry = QuarantineState(body.release, body.build_key, body.because, body.who, at)
    return replace(state, quarantine={**state.quarantine, body.release: entry})


def _lifted(state: ServiceState, body: kinds.QuarantineLifted, at: Instant) -> ServiceState:
    rest = {release: entry for release, entry in state.quarantine.items() if release != body.release}
    return _change_release(replace(state, quarantine=rest), body.release, fate="", fate_because="")


def _act_asked(state: ServiceState, body: kinds.ActAsked, at: Instant) -> ServiceState:
    act = ActState(body.act, body.verb, body.who, body.reason, body.arguments, at)
    return replace(state, acts=(*state.acts, act))


def _act_ended(state: ServiceState, body: kinds.ActEnded, at: Instant) -> ServiceState:
    return replace(state, acts=tuple(act for act in state.acts if act.act != body.act))


def _override(state: ServiceState, body: kinds.OverrideMade, at: Instant) -> ServiceState:
    return _change_release(state, body.release, overridden=True)


def _frozen(state: ServiceState, body: kinds.Frozen, at: Instant) -> ServiceState:
    return replace(state, freeze=FreezeState(body.who, body.reason, body.until, at))


def _thawed(state: ServiceState, body: kinds.Thawed, at: Instant) -> ServiceState:
    return replace(state, freeze=None)


def _paused(state: ServiceState, body: kinds.Paused, at: Instant) -> ServiceState:
    if state.rollout is None:
        return state
    return replace(state, rollout=replace(state.rollout, paused_by=body.who, paused_reason=body.reason))


def _resumed(state: ServiceState, body: kinds.Resumed, at: Instant) -> ServiceState:
    if state.rollout is None:
        return state
    return replace(state, rollout=replace(state.rollout, paused_by="", paused_reason=""))


def _retried(state: ServiceState, body: kinds.Retried, at: Instant) -> ServiceState:
    forgotten = ("failed", "made") if body.fresh_env else ("failed",)
    builds = {
        key: build for key, build in state.builds.items() if key != body.build_key or build.state not in forgotten
    }
    again = replace(state, builds=builds, fresh_env=body.build_key if body.fresh_env else state.fresh_env)
    anew: dict[str, Any] = {"gate_attempt": 0, "gate_words": "", "gate_cancelled_by": ""}
    return _change_release(again, body.release, verdict="", verdict_policy="", **anew)


def _retired(state: ServiceState, body: kinds.Retired, at: Instant) -> ServiceState:
    builds = {key: build for key, build in state.builds.items() if build.state != "running"}
    releases = {key: replace(one, gate_job="", gate_request={}) for key, one in state.releases.items()}
    return replace(state, retired=True, live="", rollout=None, absent_since="", builds=builds, releases=releases)


def _site_acted(state: ServiceState, body: kinds.SiteActed, at: Instant) -> ServiceState:
    return replace(state, journal_seen={**state.journal_seen, body.site: body.seq})


_MEANINGS: dict[type, Callable[[ServiceState, Any, Instant], ServiceState]] = {
    kinds.ServiceWanted: _wanted,
    kinds.ServiceRefused: _service_refused,
    kinds.ServiceAbsent: _absent,
    kinds.BuildStarted: _build_started,
    kinds.BuildFailed: _build_failed,
    kinds.BuildCancelled: _build_cancelled,
    kinds.ReleaseMade: _release_made,
    kinds.GateStarted: _gate_started,
    kinds.VerdictGiven: _verdict,
    kinds.GateBroken: _gate_broken,
    kinds.GateCancelled: _gate_cancelled,
    kinds.RolloutStarted: _rollout_started,
    kinds.StepTaken: _step,
    kinds.RolloutEnded: _rollout_ended,
    kinds.ReleaseSuperseded: _superseded,
    kinds.ReleasesForgotten: _forgotten,
    kinds.Quarantined: _quarantined,
    kinds.QuarantineLifted: _lifted,
    kinds.ActAsked: _act_asked,
    kinds.ActEnded: _act_ended,
    kinds.OverrideMade: _override,
    kinds.Frozen: _frozen,
    kinds.Thawed: _thawed,
    kinds.Paused: _paused,
    kinds.Resumed: _resumed,
    kinds.Retried: _retried,
    kinds.AlreadyLive: _already_live,
    kinds.Retired: _retired,
    kinds.SiteActed: _site_acted,
}
