"""What people and programs may know. Answers are JSON values; shares are 0 to 1, times RFC 3339 in UTC."""

from typing import Any

from windlass.delivery.rollouts.types import Evidence, Limits
from windlass.engine.loop import Engine
from windlass.facts.observed import SiteSeen
from windlass.facts.sentences import sentence
from windlass.facts.state import ServiceState
from windlass.kernel.digests import short
from windlass.kernel.errors import UserMistake
from windlass.kernel.instants import NEVER, Instant, rfc3339, seconds_between
from windlass.kernel.records import to_json
from windlass.planner.types import ServicePlan, Snapshot, StageReport
from windlass.planner.views import candidate_of, rate_now
from windlass.ports.store import FactQuery, Stored

API = "windlass/v1"
NOT_READY = "not ready"  # the live release answers nowhere at some site


async def status(engine: Engine, service: str = "") -> dict[str, Any]:
    """Everything that is true now.

    Raises:
        UserMistake: there is no such service.
    """
    stored = await engine.current()
    if service:
        known_service(stored, service)
    now = engine.ports.clock.now()
    sites = [SiteSeen(report, at) for report, at in engine.ports.sites.reports()]
    chosen = [service] if service else sorted(stored.services)
    return {
        "api": API,
        "kind": "status",
        "at": rfc3339(now),
        "generation": stored.generation,
        "trouble": engine.attempts.words,
        "repositories": [to_json(one) for _, one in sorted(stored.repositories.items())],
        "sites": [_site(seen, stored, now) for seen in sites],
        "items": [_service(engine, stored, name, tuple(sites)) for name in chosen],
    }


def known_service(stored: Stored, service: str) -> ServiceState:
    """The state of a service.

    Raises:
        UserMistake: there is no such service.
    """
    state = stored.services.get(service)
    if state is None:
        names = ", ".join(sorted(stored.services)) or "none yet"
        raise UserMistake(f"there is no service {service}", code="no-such-service", remedy=f"known: {names}")
    return state


def _site(seen: SiteSeen, stored: Stored, now: Instant) -> dict[str, Any]:
    report = seen.report
    return {
        "site": report.site,
        "generation": report.generation,
        "behind": report.generation < stored.plan_generation,
        "age_seconds": seconds_between(seen.at, now),
        "gap": report.gap,
        "stuck": dict(report.stuck),
    }


def _service(engine: Engine, stored: Stored, name: str, sites: tuple[SiteSeen, ...]) -> dict[str, Any]:
    state = stored.services[name]
    plan = engine.plans.get(name)
    wrong = engine.contradictions.get(name, ())
    word, words = _headline(state, plan, wrong, sites)
    waiting_for, waiting_until = _waiting(state, plan, word)
    current = stored.slices.get(name)
    return {
        "service": name,
        "state": word,
        "sentence": words,
        "waiting_for": waiting_for,
        "waiting_until": None if waiting_until is None else rfc3339(waiting_until),
        "commit": _commit(state),
        "live": release_answer(state, state.live),
        "candidate": release_answer(state, state.rollout.release if state.rollout else candidate_of(state)),
        "best": state.best or None,
        "routes": [
            {"release": route.release, "role": route.role, "share": route.weight / 10_000}
            for route in (current.routes if current else ())
        ],
        "requests_per_second": _rate(engine, state),
        "rollout": _rollout(state, plan.weighed.evidence if plan else Evidence()),
        "builds": _builds(engine, state),
        "frozen": to_json(state.freeze) if state.freeze else None,
        "absent_since": state.absent_since or None,
        "quarantine": [to_json(one) for _, one in sorted(state.quarantine.items())],
        "refused": list(state.refused),
        "refused_commit": state.refused_commit or None,
        "replicas": [to_json(replica) for seen in sites for replica in seen.report.replicas if replica.service == name],
        "stages": [to_json(one) for one in plan.reports] if plan else [],
        "spec": dict(state.wanted.spec) if state.wanted else None,
    }


def _waiting(state: ServiceState, plan: ServicePlan | None, word: str) -> tuple[str, Instant | None]:
    """What is waited for, and until when where that is known."""
    if word == NOT_READY:
        return "its replicas are ready, or `windlass rollback`", None
    if word == "refused":
        return "a commit corrects the file", None
    if word == "frozen" and state.freeze is not None:
        until = state.freeze.until
        return ("" if until is None else f"{rfc3339(until)} or ") + "`windlass resume`", until
    report = deciding(state, plan)
    return (report.until, report.until_at) if report else ("", None)


def deciding(state: ServiceState, plan: ServicePlan | None) -> StageReport | None:
    """The report of the stage that everything waits for: the first that has an until, rollouts before the others."""
    if plan is None:
        return None
    order = ["rollouts"] if state.rollout else ["builds", "releases", "gates", "rollouts"]
    waiting = [one for name in order for one in plan.reports if one.stage == name and one.until]
    busy = [one for one in waiting if one.move in ("wait", "hold") or one.stage == "builds"]
    return next(iter(busy or waiting), None)


def _rate(engine: Engine, state: ServiceState) -> float | None:
    """The rate from which a rollout would begin now; None while that cannot be said."""
    sites, silent = engine.planning.heard()
    return rate_now(state, Snapshot(engine.ports.clock.now(), state, sites=sites, silent=silent))


def _headline(
    state: ServiceState, plan: ServicePlan | None, wrong: tuple[str, ...], sites: tuple[SiteSeen, ...]
) -> tuple[str, str]:
    report = deciding(state, plan)
    because = report.because if report else ""
    said = {one.stage: one.because for one in plan.reports} if plan else {}
    if wrong:
        return "contradiction", "the plan contradicts itself and was not stored: " + "; ".join(wrong)
    if state.retired:
        return "retired", "taken down; a new commit that touches it brings it back"
    if state.rollout is not None:
        word = "paused" if state.rollout.paused_by else "rolling out"
        return word, f"release {short(state.rollout.release)} at {state.rollout.share:.0%}: {said.get('rollouts', '')}"
    if state.refused:
        more = f"; and {len(state.refused) - 1} more" if len(state.refused) > 1 else ""
        return "refused", f"the file of commit {short(state.refused_commit)} is refused: {state.refused[0]}{more}"
    if state.freeze is not None:
        return "frozen", f"by {state.freeze.who}: {state.freeze.reason or 'no reason given'}{_held_up(state)}"
    if any(build.state == "running" for build in state.builds.values()):
        return "building", said.get("builds", "")
    if any(record.gate_job for record in state.releases.values()):
        return "judging", said.get("gates", "")
    wanted = state.wanted
    away = [one for one in state.quarantine.values() if wanted is not None and one.build_key == wanted.build_key]
    if away:
        serves = f"release {short(state.live)} serves; " if state.live else ""
        return "rolled back", f"{serves}{short(away[0].release)} is quarantined: {away[0].because}"
    if report is not None and report.stage == "builds" and report.move == "none":
        known = state.builds.get(wanted.build_key) if wanted is not None else None
        return "cancelled" if known is not None and known.cancelled_by else "failed", because
    return _settled(state, because, sites)


def _held_up(state: ServiceState) -> str:
    """How many releases passed their gate and wait for traffic, in words."""
    live = state.releases.get(state.live)
    since = live.made_at if live is not None else NEVER
    waiting = [
        record
        for record in state.releases.values()
        if record.verdict == "pass"
        and not record.fate
        and record.made_at > since
        and record.release not in state.quarantine
    ]
    return f"; {len(waiting)} release{'s wait' if len(waiting) > 1 else ' waits'} for traffic" if waiting else ""


def _settled(state: ServiceState, because: str, sites: tuple[SiteSeen, ...]) -> tuple[str, str]:
    candidate = state.releases.get(candidate_of(state))
    if candidate is not None and candidate.verdict in ("fail", "unsure"):
        words = f"release {short(candidate.release)}: gate {candidate.verdict}, {candidate.verdict_sentence}"
        return "gate " + candidate.verdict, words
    if candidate is not None and candidate.gate_cancelled_by:
        return "cancelled", f"the gate of release {short(candidate.release)} was {candidate.gate_words}"
    if candidate is not None and candidate.gate_words:
        return "failed", f"the gate of release {short(candidate.release)} could not be run: {candidate.gate_words}"
    if state.absent_since:
        return "absent", f"absent since commit {short(state.absent_since)}; it keeps serving until `windlass retire`"
    silent = [words for seen in sites if (words := _silence(state, seen))]
    if state.live and silent:
        return NOT_READY, f"release {short(state.live)} shall serve, and {silent[0]}; what served before goes on"
    if state.live:
        return "live", f"release {short(state.live)} serves"
    return "waiting", because or "no release yet"


def _silence(state: ServiceState, seen: SiteSeen) -> str:
    """Why no replica of the live release answers at a site; empty where one does."""
    report = seen.report
    found = [one for one in report.replicas if (one.service, one.release) == (state.service, state.live)]
    if any(one.state == "ready" for one in found):
        return ""
    words = next((f": {one.words}" for one in found if one.words), "")
    return f"none of its replicas is ready at {report.site}{words}"


def _commit(state: ServiceState) -> dict[str, Any] | None:
    wanted = state.wanted
    if wanted is None:
        return None
    return {
        "commit": wanted.commit,
        "subject": wanted.subject,
        "author": wanted.author,
        "repository": wanted.repository,
        "folder": wanted.folder,
        "seen_at": rfc3339(wanted.at),
    }


def release_answer(state: ServiceState, release: str) -> dict[str, Any] | None:
    """What a release is and what its gate said; None where there is no such release."""
    record = state.releases.get(release)
    if record is None:
        return None
    return {
        "release": record.release,
        "commit": record.commit,
        "subject": record.subject,
        "format": record.format,
        "size_bytes": record.size_bytes,
        "made_at": rfc3339(record.made_at),
        "verdict": record.verdict or None,
        "verdict_sentence": record.verdict_sentence or None,
        "checks": [dict(check) for check in record.verdict_checks],
        "overridden": record.overridden,
        "signature": dict(record.signature),
        "sample": record.provenance.get("sample"),
    }


def _rollout(state: ServiceState, evidence: Evidence) -> dict[str, Any] | None:
    rollout = state.rollout
    if rollout is None:
        return None
    limits = Limits()
    return {
        "rollout": rollout.rollout,
        "release": rollout.release,
        "champion": rollout.champion or None,
        "step": rollout.step,
        "shares": list(rollout.shares),
        "share": rollout.share,
        "began": rfc3339(rollout.began),
        "step_began": rfc3339(rollout.step_began),
        "paused_by": rollout.paused_by or None,
        "paused_reason": rollout.paused_reason or None,
        "harm_e_min": limits.harm_e_min,
        "safety_e_min": limits.safety_e_min,
        "evidence": to_json(evidence),
    }


def _builds(engine: Engine, state: ServiceState) -> list[dict[str, Any]]:
    progress = {job.job: job for job in engine.jobs}
    newest = sorted(state.builds.values(), key=lambda build: (build.at, build.build_key))[-5:]
    return [
        {
            "commit": build.commit,
            "state": build.state,
            "attempt": build.attempt,
            "words": build.words,
            "kind": build.kind,
            "release": build.release or None,
            "job": build.job,
            "log": build.log or (progress[build.job].log if build.job in progress else ""),
            "progress": progress[build.job].progress if build.job in progress else "",
            "at": rfc3339(build.at),
        }
        for build in newest
    ]


async def facts(engine: Engine, query: FactQuery) -> dict[str, Any]:
    """Stored facts with their sentences, in the order of their numbers."""
    found = await engine.ports.store.facts(query)
    return {
        "api": API,
        "kind": "facts",
        "items": [
            {
                "number": fact.number,
                "service": fact.service,
                "at": rfc3339(fact.at),
                "kind": fact.kind,
                "sentence": sentence(fact),
                "body": to_json(fact.body),
            }
            for fact in found
        ],
    }
