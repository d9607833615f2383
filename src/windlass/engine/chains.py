"""What led to a state: to that of a service, of one of its stages, or of one release."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from windlass.delivery.rollouts.acts import named_release
from windlass.engine.histories import FACTS_MAX, KINDS, History
from windlass.engine.loop import Engine
from windlass.engine.queries import API, known_service, release_answer, status
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.sentences import sentence
from windlass.facts.state import ReleaseState, ServiceState
from windlass.kernel.digests import short
from windlass.kernel.errors import UserMistake, clip
from windlass.kernel.instants import NEVER, rfc3339
from windlass.ports.store import FactQuery

NOUNS = ("services", "rollouts", "gates", "builds", "releases")
WHY_FACTS = 25  # what led here is in the last two or three rollouts
RELEASE_FACTS = 10_000  # how far back the facts about one release are looked for
VERDICTS_SHOWN = 3

_STAGE_FACTS: Mapping[str, tuple[str, ...]] = {
    "services": (),  # all of them
    "builds": (
        "ServiceWanted",
        "ServiceRefused",
        "CommitSkipped",
        "BuildStarted",
        "BuildFailed",
        "BuildCancelled",
        "ReleaseMade",
        "AlreadyLive",
        "Retried",
    ),
    "gates": ("GateStarted", "VerdictGiven", "GateBroken", "GateCancelled", "OverrideMade", "Retried"),
    "rollouts": (
        "RolloutStarted",
        "StepTaken",
        "RolloutEnded",
        "Paused",
        "Resumed",
        "Frozen",
        "Thawed",
        "Quarantined",
        "QuarantineLifted",
        "ReleaseSuperseded",
        "OverrideMade",
        "SiteActed",
    ),
}


async def why(engine: Engine, noun: str, name: str) -> dict[str, Any]:
    """The chain that led to what a name stands for: a service, one of its stages, or a release.

    Raises:
        UserMistake: there is no such noun, service or release.
    """
    if noun not in NOUNS:
        raise UserMistake(f"there is no noun {clip(noun)}", code="no-such-noun", remedy="use services/<name>")
    return await (_why_release(engine, name) if noun == "releases" else _why_service(engine, noun, name))


async def _why_service(engine: Engine, noun: str, service: str) -> dict[str, Any]:
    """What each stage says now, or the one that was asked for, and the facts before it."""
    state = known_service(await engine.current(), service)
    facts = await engine.ports.store.facts(FactQuery(service, limit=WHY_FACTS, kinds=_STAGE_FACTS[noun]))
    history = await _history(engine, service)
    item = (await status(engine, service))["items"][0]
    judged = _judged(state) if noun in ("services", "gates") else []
    return {
        "api": API,
        "kind": "why",
        "service": service,
        "about": f"{noun}/{service}",
        "release": None,
        "state": item["state"],
        "sentence": item["sentence"],
        "waiting_for": item["waiting_for"],
        "stages": [one for one in item["stages"] if noun in ("services", one["stage"])],
        "rollout": item["rollout"] if noun in ("services", "rollouts") else None,
        "verdicts": [_verdict(record, history) for record in judged],
        "items": _items(facts, history),
    }


async def _why_release(engine: Engine, text: str) -> dict[str, Any]:
    """What became of one release: its commit, its verdict, its rollouts, its fate, and the facts about it alone."""
    stored = await engine.current()
    service = _service_of_release(stored.services, text)
    state = stored.services[service]
    record = state.releases[named_release(state, text)]
    everything = await engine.ports.store.facts(FactQuery(service, limit=RELEASE_FACTS))
    history = await _history(engine, service)
    item = (await status(engine, service))["items"][0]
    is_rolling = state.rollout is not None and state.rollout.release == record.release
    is_next = bool(item["candidate"]) and item["candidate"]["release"] == record.release
    word, words = _fate(state, record, item["sentence"])
    return {
        "api": API,
        "kind": "why",
        "service": service,
        "about": f"releases/{short(record.release)}",
        "release": release_answer(state, record.release),
        "state": word,
        "sentence": words,
        "waiting_for": item["waiting_for"] if is_rolling or is_next else "",
        "stages": [one for one in item["stages"] if one["stage"] in _stages_of(is_rolling, is_next)],
        "rollout": item["rollout"] if is_rolling else None,
        "verdicts": [_verdict(record, history)] if record.verdict else [],
        "items": _items(_about(record, state, everything), history),
    }


def _stages_of(is_rolling: bool, is_next: bool) -> tuple[str, ...]:
    """Which stages speak of a release now."""
    return ("rollouts",) if is_rolling else ("gates", "rollouts") if is_next else ()


def _fate(state: ServiceState, record: ReleaseState, headline: str) -> tuple[str, str]:
    """What a release is now, in a word and a sentence."""
    if state.rollout is not None and state.rollout.release == record.release:
        return "rolling out", headline
    if record.release == state.live:
        return "live", f"it serves: {record.fate_because}" if record.fate_because else "it serves"
    if record.release in state.quarantine:
        lifts = f"`windlass retry {state.service} {short(record.release)} --reason ...` lifts that"
        return "quarantined", f"{state.quarantine[record.release].because}; {lifts}"
    if record.fate:
        serves = f"; release {short(state.live)} serves" if state.live else ""
        word = "promoted earlier" if record.fate == "promoted" else record.fate.replace("_", " ")
        return word, f"{record.fate_because}{serves}"
    if record.gate_job:
        return "judging", "its gate runs"
    if record.verdict:
        return f"gate {record.verdict}", record.verdict_sentence
    broken = f"its gate could not be run: {record.gate_words}"
    return "made", broken if record.gate_words else "it has no verdict yet"


def _about(record: ReleaseState, state: ServiceState, facts: Sequence[Fact]) -> list[Fact]:
    """The facts that speak of one release, in their order: what it was built from, its verdicts, rollouts and acts."""
    release = record.release
    commits, rollouts, acts = {record.commit}, set(), set()
    for body in (fact.body for fact in facts):
        match body:
            case kinds.ReleaseMade() | kinds.AlreadyLive() if body.release == release:
                commits.add(body.commit)
            case kinds.RolloutStarted() if body.release == release:
                rollouts.add(body.rollout)
            case kinds.ActAsked() if _names(body.arguments.values(), state, release):
                acts.add(body.act)
            case _:
                pass

    def speaks(body: Any) -> bool:
        own = (getattr(body, name, None) for name in ("release", "leaves", "returns_to"))
        return (
            release in own
            or (record.build_key != "" and getattr(body, "build_key", None) == record.build_key)
            or (isinstance(body, kinds.ServiceWanted) and body.commit in commits)
            or getattr(body, "rollout", None) in rollouts
            or getattr(body, "act", None) in acts
        )

    return [fact for fact in facts if speaks(fact.body)]


def _names(arguments: Iterable[object], state: ServiceState, release: str) -> bool:
    """Whether one of an act's arguments is this release, cut or whole, or its commit."""
    return any(isinstance(one, str) and named_release(state, one) == release for one in arguments)


async def _history(engine: Engine, service: str) -> History:
    return History(await engine.ports.store.facts(FactQuery(service, limit=FACTS_MAX, kinds=KINDS)))


def _items(facts: Iterable[Fact], history: History) -> list[dict[str, Any]]:
    return [
        {
            "number": fact.number,
            "at": rfc3339(fact.at),
            "kind": fact.kind,
            "sentence": "; ".join([sentence(fact), *history.changes_of(fact)]),
        }
        for fact in facts
    ]


def _service_of_release(services: Mapping[str, ServiceState], text: str) -> str:
    """The service that a cut or whole release digest, or the commit of a release, belongs to.

    Raises:
        UserMistake: no service, or more than one, has such a release.
    """
    found = [name for name, state in sorted(services.items()) if named_release(state, text)]
    if len(found) != 1:
        words = f"no release is called {clip(text)}" if not found else f"several services have a release {clip(text)}"
        raise UserMistake(words, code="no-such-release", remedy="name at least 8 characters of its digest")
    return found[0]


def _judged(state: ServiceState) -> list[ReleaseState]:
    judged = [record for record in state.releases.values() if record.verdict_at != NEVER and record.verdict]
    return sorted(judged, key=lambda record: (record.verdict_at, record.release), reverse=True)[:VERDICTS_SHOWN]


def _verdict(record: ReleaseState, history: History) -> dict[str, Any]:
    return {
        "release": record.release,
        "commit": record.commit,
        "subject": record.subject,
        "verdict": record.verdict,
        "sentence": record.verdict_sentence,
        "at": rfc3339(record.verdict_at),
        "checks": [dict(check) for check in record.verdict_checks],
        "fate": record.fate,
        "fate_because": record.fate_because,
        "notes": list(history.notes_on(record.release)),
    }
