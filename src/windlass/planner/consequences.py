"""What each stage's move means, as facts. A move that waits leaves only its report."""

from collections.abc import Mapping
from typing import Any, assert_never

from windlass.delivery.builds.types import BuildMove
from windlass.delivery.gates.types import GateMove
from windlass.delivery.releases.types import ReleaseMove
from windlass.delivery.rollouts.evidence import edges_from, ratio_in_words
from windlass.delivery.rollouts.pace import shares_of
from windlass.delivery.rollouts.types import Move, ReplacedBy
from windlass.facts import types as kinds
from windlass.facts.observed import JobSeen
from windlass.facts.state import ReleaseState, RolloutState
from windlass.kernel.decisions import Decision
from windlass.kernel.digests import short
from windlass.kernel.records import from_json, to_json
from windlass.planner import views
from windlass.planner.types import Draft


def of_build(draft: Draft, decision: Decision[BuildMove]) -> Draft:
    """A build starts, its end becomes a fact, or an earlier result is used again."""
    draft = draft.with_report("builds", decision)
    match decision.move:
        case BuildMove.START:
            return _start_build(draft)
        case BuildMove.RECORD:
            return _record_build(draft)
        case BuildMove.REUSE:
            return _reuse_build(draft)
        case BuildMove.NONE | BuildMove.WAIT:
            return draft
        case _:
            assert_never(decision.move)


def _start_build(draft: Draft) -> Draft:
    wanted = draft.state.wanted
    assert wanted is not None
    known = draft.state.builds.get(wanted.build_key)
    attempt = known.attempt + 1 if known is not None and known.commit == wanted.commit else 1
    # A number that never comes again: after `retry` the attempts begin anew, and the old job may still be known.
    job = f"build-{draft.state.service}-{short(wanted.build_key)}-{short(wanted.commit)}-{draft.state.generation}"
    request = {
        "repository": wanted.repository,
        "commit": wanted.commit,
        "folder": wanted.folder,
        "spec": dict(wanted.spec),
        "build_key": wanted.build_key,
        "data": dict(wanted.data),
        "fresh_env": wanted.build_key == draft.state.fresh_env,
    }
    return draft.with_facts(kinds.BuildStarted(wanted.commit, wanted.build_key, job, attempt, request))


def _record_build(draft: Draft) -> Draft:
    view = views.build_view(draft)
    running, job = view.running, view.job
    assert running is not None
    assert job is not None
    if job.state != "done":
        failed = kinds.BuildFailed(
            running.commit,
            running.build_key,
            job.trouble or "crash",
            job.words or "it ended without a result",
            job.log,
            running.attempt,
        )
        return draft.with_facts(failed)
    result = job.result
    made = kinds.ReleaseMade(
        commit=running.commit,
        build_key=running.build_key,
        release=str(result["release"]),
        seconds=float(_number(result, "seconds")),
        size_bytes=int(_number(result, "size_bytes")),
        format=str(result["format"]),
        signature=_mapping(result, "signature"),
        provenance=_mapping(result, "provenance"),
    )
    if made.release == draft.state.live:
        return draft.with_facts(made, kinds.AlreadyLive(made.commit, made.release))
    return draft.with_facts(made)


def _number(result: Mapping[str, object], key: str) -> float:
    value = result.get(key, 0)
    return float(value) if isinstance(value, (int, float)) else 0.0


def _mapping(result: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = result.get(key, {})
    return dict(value) if isinstance(value, Mapping) else {}


def _reuse_build(draft: Draft) -> Draft:
    wanted = draft.state.wanted
    assert wanted is not None
    record = draft.state.releases[draft.state.builds[wanted.build_key].release]  # a release takes its builds along
    if record.release == draft.state.live:
        return draft.with_facts(kinds.AlreadyLive(wanted.commit, record.release))
    made = kinds.ReleaseMade(
        wanted.commit,
        wanted.build_key,
        record.release,
        0.0,
        record.size_bytes,
        record.format,
        record.signature,
        record.provenance,
    )
    return draft.with_facts(made)


def of_release(draft: Draft, decision: Decision[ReleaseMove]) -> Draft:
    """A release that is live already needs no fact but the one that says so, which the build's reuse stored."""
    return draft.with_report("releases", decision)


def of_gate(draft: Draft, decision: Decision[GateMove]) -> Draft:
    """A judgement starts, or its end becomes a verdict."""
    draft = draft.with_report("gates", decision)
    match decision.move:
        case GateMove.START:
            return _start_gate(draft)
        case GateMove.RECORD:
            return _record_gate(draft)
        case GateMove.NONE | GateMove.WAIT:
            return draft
        case _:
            assert_never(decision.move)


def _start_gate(draft: Draft) -> Draft:
    state, wanted = draft.state, draft.state.wanted
    record = state.releases[views.candidate_of(state)]
    assert wanted is not None
    known = [release for release in (record.release, state.live, state.best) if release in state.releases]
    champion = state.releases.get(state.live)
    request = {
        "release": record.release,
        "champion": state.live,
        "best": state.best if state.best != state.live else "",
        "repository": wanted.repository,
        "commit": record.commit,
        "folder": wanted.folder,
        "spec": dict(wanted.spec),
        "policy": wanted.policy,
        "ledger": state.ledger,
        "scores": {release: state.releases[release].scores for release in known if state.releases[release].scores},
        "provenance": dict(record.provenance),
        "signature": dict(record.signature),
        "champion_signature": dict(champion.signature) if champion else {},
    }
    job = f"gate-{state.service}-{short(record.release)}-{draft.snapshot.now}-{record.gate_attempt + 1}"
    return draft.with_facts(kinds.GateStarted(record.release, state.live, job, request))


def _record_gate(draft: Draft) -> Draft:
    record = next(one for one in draft.state.releases.values() if one.gate_job)
    job = next(one for one in draft.snapshot.jobs if one.job == record.gate_job)
    if job.state != "done":
        words = job.words or "it ended without a result"
        return draft.with_facts(kinds.GateBroken(record.release, words, record.gate_attempt + 1))
    return draft.with_facts(_verdict(record, job))


def _verdict(record: ReleaseState, job: JobSeen) -> Any:
    fields = {key: to_json(value) for key, value in job.result.items()}
    return from_json(kinds.VerdictGiven, {**fields, "release": record.release, "job": job.job})


def of_rollout(draft: Draft, decision: Decision[Move]) -> Draft:
    """Traffic starts to move, moves on, ends or goes back."""
    draft = draft.with_report("rollouts", decision)
    match decision.move:
        case Move.START | Move.STRAIGHT:
            return _start_rollout(draft, decision)
        case Move.ADVANCE | Move.MEASURE:
            return _take_step(draft, decision)
        case Move.PROMOTE:
            return draft.with_facts(_ended(draft, decision, "promoted"))
        case Move.BACK:
            return _go_back(draft, decision)
        case Move.NONE | Move.HOLD:
            return draft
        case _:
            assert_never(decision.move)


def _start_rollout(draft: Draft, decision: Decision[Move]) -> Draft:
    state = draft.state
    release = views.candidate_of(state)
    record = state.releases[release]
    shares = shares_of(draft.spec.rollout, views.few_now(draft)) if decision.move is Move.START else (1.0,)
    older = [
        kinds.ReleaseSuperseded(one.release, release)
        for one in views.releases_view(draft).made
        if one.made_at < record.made_at and not one.fate and one.release != state.live
    ]
    name = f"r{state.steps_count + 1}"
    because = decision.because.sentence()
    started = kinds.RolloutStarted(name, release, record.commit, state.live, shares, because)
    edges = edges_from(views.control_now(state, draft.snapshot)) if state.live else ()
    step = kinds.StepTaken(name, 0, f"s{state.steps_count + 1}", shares[0], because, (), edges)
    return draft.with_facts(*older, started, step)


def _moving(draft: Draft) -> RolloutState:
    rollout = draft.state.rollout
    assert rollout is not None
    return rollout


def _take_step(draft: Draft, decision: Decision[Move]) -> Draft:
    rollout = _moving(draft)
    step = rollout.step + (1 if decision.move is Move.ADVANCE else 0)
    edges = edges_from(views.control_now(draft.state, draft.snapshot))
    taken = kinds.StepTaken(
        rollout.rollout,
        step,
        f"s{draft.state.steps_count + 1}",
        rollout.shares[step],
        decision.because.sentence(),
        decision.evidence,
        edges or rollout.steps_taken[-1].edges,
    )
    return draft.with_facts(taken)


def _ended(draft: Draft, decision: Decision[Move], outcome: str) -> kinds.RolloutEnded:
    rollout = _moving(draft)
    weighed = views.weighed(draft)
    counts = to_json(weighed.evidence) if rollout.champion else {}
    ratio = ratio_in_words(weighed.stages)
    details = (*decision.evidence, ratio) if ratio else decision.evidence
    because = decision.because.sentence()
    return kinds.RolloutEnded(rollout.rollout, rollout.release, outcome, because, details, counts)


def _go_back(draft: Draft, decision: Decision[Move]) -> Draft:
    rollout = _moving(draft)
    if isinstance(decision.because, ReplacedBy):
        return draft.with_facts(_ended(draft, decision, "replaced"))
    record = draft.state.releases.get(rollout.release)
    build_key = record.build_key if record else ""
    quarantined = kinds.Quarantined(rollout.release, build_key, decision.because.sentence())
    return draft.with_facts(_ended(draft, decision, "rolled_back"), quarantined)
