"""Facts and observations, cut to what each stage looks at."""

from windlass.delivery.builds.types import BuildView
from windlass.delivery.gates.types import GateView, VerdictSeen
from windlass.delivery.placements.types import PlacementView
from windlass.delivery.releases import decide as releases
from windlass.delivery.releases.types import ReleaseMove, ReleasesView
from windlass.delivery.rollouts.acts import way_back
from windlass.delivery.rollouts.evidence import Arm, Stage, can_choose_edges, weigh
from windlass.delivery.rollouts.pace import few_requests, rate_seen
from windlass.delivery.rollouts.types import Evidence, FewRequests, Limits, RolloutView, SiteView
from windlass.delivery.rollouts.windows import frozen_window
from windlass.delivery.services.types import ServiceView
from windlass.delivery.sources.types import ServiceSpec
from windlass.facts.counts import Tally, added
from windlass.facts.observed import JobSeen
from windlass.facts.state import ReleaseState, RolloutState, ServiceState
from windlass.kernel.instants import NEVER, Instant, later, seconds_between
from windlass.kernel.records import from_json, to_json
from windlass.planner.types import NOTHING_WEIGHED, Draft, Snapshot, Weighed


def spec_of(state: ServiceState) -> ServiceSpec:
    """The policy in force: that of the newest readable commit, or the defaults where there is none."""
    if state.wanted is None:
        return ServiceSpec(state.service)
    return from_json(ServiceSpec, to_json(state.wanted.spec))


def _job(snapshot: Snapshot, name: str) -> JobSeen | None:
    return next((job for job in snapshot.jobs if job.job == name), None)


def build_view(draft: Draft) -> BuildView:
    """What the builds stage looks at: the wanted commit, its build key, and the build that runs."""
    state = draft.state
    running = next((build for build in state.builds.values() if build.state == "running"), None)
    wanted = state.wanted
    quarantined = ""
    if wanted is not None:
        entries = [entry for entry in state.quarantine.values() if entry.build_key == wanted.build_key]
        quarantined = entries[0].because if entries else ""
    return BuildView(
        wanted=wanted,
        known=state.builds.get(wanted.build_key) if wanted else None,
        running=running,
        job=_job(draft.snapshot, running.job) if running else None,
        quarantined=quarantined,
        hold=draft.snapshot.builds_held,
    )


def releases_view(draft: Draft) -> ReleasesView:
    """What the releases stage looks at: releases newer than the live one, in the order of their making."""
    return _releases_view(draft.state)


def _releases_view(state: ServiceState) -> ReleasesView:
    live = state.releases.get(state.live)
    since = live.made_at if live else NEVER
    made = tuple(
        sorted(
            (record for record in state.releases.values() if record.made_at > since or record.release == state.live),
            key=lambda record: (record.made_at, record.release),
        )
    )
    newest = None
    if state.wanted is not None:
        build = state.builds.get(state.wanted.build_key)
        newest = state.releases.get(build.release) if build is not None else None
    rolling = state.rollout.release if state.rollout else ""
    return ReleasesView(made, newest, state.live, rolling, frozenset(state.quarantine))


def candidate_of(state: ServiceState) -> str:
    """The release that waits for traffic; empty where none does."""
    decision = releases.decide(_releases_view(state), NEVER)
    return decision.evidence[0] if decision.move is ReleaseMove.CANDIDATE else ""


def gate_view(draft: Draft) -> GateView | None:
    """The view of the release that is being judged, else of the candidate; None where there is nothing to judge."""
    state = draft.state
    judging = next((record for record in state.releases.values() if record.gate_job), None)
    record = judging or state.releases.get(candidate_of(state))
    if record is None or (judging is None and state.wanted is None):
        return None
    seen = None
    if record.verdict:
        seen = VerdictSeen(
            record.verdict,
            record.verdict_sentence,
            record.verdict_champion,
            record.verdict_policy,
            record.verdict_commit,
            record.verdict_refusal,
        )
    return GateView(
        release=record.release,
        commit=record.commit,
        champion=state.live,
        policy=state.wanted.policy if state.wanted else "",
        verdict=seen,
        running=bool(record.gate_job),
        job=_job(draft.snapshot, record.gate_job) if record.gate_job else None,
        attempt=record.gate_attempt,
        broken_at=record.verdict_at,
        broken_words=record.gate_words,
        cancelled=bool(record.gate_cancelled_by),
    )


def rollout_view(draft: Draft, evidence: Evidence) -> RolloutView:
    """What the rollouts stage looks at: the candidate, its verdict, the evidence and who stops it."""
    state, snapshot = draft.state, draft.snapshot
    rollout, spec = state.rollout, draft.spec
    candidate = rollout.release if rollout else candidate_of(state)
    record = state.releases.get(candidate)
    stands = _stands(record, state)
    frozen_by, frozen_until = _frozen(state, spec, snapshot)
    control = control_now(state, snapshot)
    return RolloutView(
        candidate=candidate,
        champion=rollout.champion if rollout else state.live,
        verdict=record.verdict if record is not None and stands else "",
        refused=record is not None and stands and bool(record.verdict_refusal),
        overridden=record is not None and stands and record.overridden,
        moving=rollout is not None,
        step=rollout.step if rollout else -1,
        shares=rollout.shares if rollout else (),
        began=rollout.began if rollout else NEVER,
        step_began=rollout.step_began if rollout else NEVER,
        has_edges=bool(rollout and rollout.steps_taken and rollout.steps_taken[-1].edges),
        edges_ready=can_choose_edges(control),
        evidence=evidence,
        site=_site(state, candidate, snapshot),
        limits=_limits(spec),
        unsure=spec.rollout.unsure,
        paused_by=rollout.paused_by if rollout else "",
        frozen_by=frozen_by,
        frozen_until=frozen_until,
        in_window=bool(frozen_by) and state.freeze is None,
        newer_passed=_newer_passed(state, spec),
        few=few_now(draft),
    )


def _stands(record: ReleaseState | None, state: ServiceState) -> bool:
    """A verdict and its override count only against the champion of now; while a rollout runs, those that began it."""
    return record is not None and (state.rollout is not None or record.verdict_champion == state.live)


def _newer_passed(state: ServiceState, spec: ServiceSpec) -> str:
    if state.rollout is None or spec.rollout.newer != "replace":
        return ""
    waiting = state.releases.get(candidate_of(state))
    return waiting.release if waiting is not None and waiting.verdict == "pass" else ""


def _limits(spec: ServiceSpec) -> Limits:
    return Limits(soak_seconds=spec.rollout.soak_seconds, time_limit_seconds=spec.rollout.time_limit_seconds)


def _frozen(state: ServiceState, spec: ServiceSpec, snapshot: Snapshot) -> tuple[str, Instant | None]:
    if state.freeze is not None:
        return f"{state.freeze.who}: {state.freeze.reason}", state.freeze.until
    window = frozen_window(spec.freeze, snapshot.now, snapshot.zone_offset_seconds)
    if window is None:
        return "", None
    return f"the window {window.line}", later(snapshot.now, seconds=window.left_seconds)


def control_now(state: ServiceState, snapshot: Snapshot) -> Tally:
    """What the champion counted in the step in force."""
    return tally_of(snapshot, state.service, f"s{state.steps_count}", state.live).finished


def few_now(draft: Draft) -> FewRequests | None:
    """Why a rollout that begins now begins with half of the traffic, if it does."""
    return few_requests(draft.spec.rollout, rate_now(draft.state, draft.snapshot))


def rate_now(state: ServiceState, snapshot: Snapshot) -> float | None:
    """Requests per second that the champion answers in the step in force; None while that cannot be said."""
    is_whole = snapshot.sites and not snapshot.silent and not any(seen.report.gap for seen in snapshot.sites)
    if not state.live or state.rollout is not None or state.step_since == NEVER or not is_whole:
        return None
    return rate_seen(control_now(state, snapshot).requests, seconds_between(state.step_since, snapshot.now))


def tally_of(snapshot: Snapshot, service: str, step: str, release: str) -> Arm:
    """The counts of one release in one step, added up over the sites."""
    found = [
        counts
        for seen in snapshot.sites
        for counts in seen.report.counts
        if counts.step == step and counts.release == release and counts.service == service
    ]
    return Arm(added([one.finished for one in found]), added([one.settled for one in found]))


def weighed(draft: Draft) -> Weighed:
    """What the counts of all steps of the rollout under way say."""
    rollout, known = draft.state.rollout, draft.snapshot.weighed
    if rollout is None:
        return NOTHING_WEIGHED
    stages, limits = stages_of(rollout, draft.snapshot), draft.spec.rollout.limits
    if (stages, limits) == (known.stages, known.limits):
        return known
    return Weighed(stages, limits, weigh(stages, limits))


def stages_of(rollout: RolloutState, snapshot: Snapshot) -> tuple[Stage, ...]:
    """The counts of every step of a rollout that compares two releases."""
    service = snapshot.state.service
    return tuple(
        Stage(
            step.share,
            step.edges,
            tally_of(snapshot, service, step.step_id, rollout.release),
            tally_of(snapshot, service, step.step_id, rollout.champion),
        )
        for step in rollout.steps_taken
        if rollout.champion
    )


def _site(state: ServiceState, candidate: str, snapshot: Snapshot) -> SiteView:
    if not snapshot.sites:
        return SiteView(NEVER, words="no site has reported yet")
    if snapshot.silent:
        return SiteView(NEVER, words=f"no report yet from {', '.join(snapshot.silent)}")
    replicas = [
        replica
        for seen in snapshot.sites
        for replica in seen.report.replicas
        if replica.service == state.service and replica.release == candidate
    ]
    failed = [replica for replica in replicas if replica.state == "failed"]
    stuck = [seen.report.stuck[state.service] for seen in snapshot.sites if state.service in seen.report.stuck]
    words = next(iter([*stuck, *(replica.words for replica in replicas if replica.state != "ready")]), "")
    return SiteView(
        counted_at=min(seen.at for seen in snapshot.sites),
        gap=any(seen.report.gap for seen in snapshot.sites),
        ready=not stuck
        and all(
            _serves_plan(seen.report.generation, state.service, seen.report.unready, snapshot)
            for seen in snapshot.sites
        ),
        start_failures=max((replica.restarts for replica in failed), default=0),
        words=words,
    )


def _serves_plan(generation: int, service: str, unready: tuple[str, ...], snapshot: Snapshot) -> bool:
    return generation >= snapshot.plan_generation and service not in unready


def placement_view(draft: Draft) -> PlacementView:
    """What the placements stage looks at: the releases that get traffic."""
    state, spec = draft.state, draft.spec
    rollout = state.rollout
    candidate = rollout.release if rollout else ""
    releases = tuple(release for release in (state.live, candidate) if release)
    return PlacementView(releases, spec.replicas, spec.memory_bytes)


def service_view(draft: Draft) -> ServiceView:
    """What the services stage looks at: champion, candidate and share."""
    state, spec = draft.state, draft.spec
    rollout = state.rollout
    return ServiceView(
        service=state.service,
        champion=state.live,
        candidate=rollout.release if rollout else "",
        share=rollout.share if rollout else 0.0,
        step_id=f"s{state.steps_count}",
        salt=f"{state.service}/{rollout.rollout}" if rollout else "",
        way_back=state.live if rollout else way_back(state),
        unit_header=spec.rollout.unit,
        timeout_seconds=spec.timeout_seconds,
        idempotent=spec.idempotent,
        banned=tuple(sorted(state.quarantine)),
        seen_entries=tuple(sorted(state.journal_seen.items())),
    )
