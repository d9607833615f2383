"""What people and sites may ask of the engine. A command stores a fact; the next pass carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass

from windlass.engine.loop import Engine
from windlass.facts import types as kinds
from windlass.facts.counts import SiteReport
from windlass.facts.ledger import Fact
from windlass.kernel.digests import digest_of_value, short
from windlass.kernel.errors import Refused, Unavailable, UserMistake
from windlass.kernel.instants import seconds_between
from windlass.ports.store import FactQuery, Stored

VERBS = ("promote", "abort", "pause", "resume", "rollback", "retry", "retire", "freeze")
ACTS_AT_ONCE = 20  # more people than that do not act on one service in the same seconds
ACTS_REMEMBERED = 10_000  # how far back an Idempotency-Key is looked for: a day of seven acts a minute
KEY_SECONDS = 86_400.0  # how long an Idempotency-Key means the same request
LOOK_SECONDS = 0.05
ANSWER_SECONDS = 15.0  # a pass takes milliseconds; a disk that syncs slowly takes seconds


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: an account of this machine, or a site. Never a field of the request."""

    name: str


@dataclass(frozen=True, slots=True)
class Act:
    """What a person wants of one service."""

    verb: str
    service: str
    reason: str
    arguments: Mapping[str, object]
    key: str = ""  # an Idempotency-Key: the same one is carried out once


async def watch_repository(engine: Engine, who: Principal, repository: str, branch: str) -> None:
    """Watch a branch from now on; repeating it is harmless.

    Raises:
        UserMistake: there is no such branch or repository.
        Unavailable: it cannot be read now.
    """
    await engine.ports.git.head(repository, branch)

    def facts(stored: Stored) -> list[Fact]:
        known = stored.repositories.get(repository)
        if known is not None and known.branch == branch:
            return []
        return [Fact("", engine.ports.clock.now(), kinds.RepositoryWatched(repository, branch, who.name))]

    await engine.record(facts)
    sync(engine)


def sync(engine: Engine) -> None:
    """Look at all repositories now."""
    engine.watch.hint()
    engine.woken = True


async def look(engine: Engine) -> None:
    """Look at all repositories now, and wait until what was found there is stored and planned.

    Raises:
        Unavailable: no pass came to its end in time, as where a remote does not answer; it goes on looking.
    """
    wanted = engine.passes + 2  # one may be under way that has looked already
    sync(engine)
    waited = 0.0
    while engine.passes < wanted:
        if waited >= ANSWER_SECONDS:
            words = f"Git was not read within {ANSWER_SECONDS:.0f} s; it will be looked at as soon as it answers"
            raise Unavailable(words, code="no-answer-yet")
        engine.woken = True
        await engine.ports.clock.sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS


def accept_report(engine: Engine, report: SiteReport) -> None:
    """Keep a site's report and wake the loop."""
    engine.ports.sites.accept(report, engine.ports.clock.now())
    engine.woken = True


async def ask(engine: Engine, who: Principal, act: Act) -> str:
    """Ask for an act and wait until a pass has answered it; the answer in words.

    Raises:
        UserMistake: there is no such verb or service.
        Refused: the act is not possible or not allowed now.
        Unavailable: no pass answered in time; the act is stored and will be answered.
    """
    if act.verb not in VERBS:
        raise UserMistake(f"there is no act called {act.verb}", code="no-such-act", remedy=f"use {', '.join(VERBS)}")
    name, is_known = await _name(engine, who, act)
    if is_known:
        return await _answer(engine, act.service, name, ACTS_REMEMBERED)
    asked = kinds.ActAsked(name, act.verb, who.name, act.reason, act.arguments)

    def facts(stored: Stored) -> list[Fact]:
        if act.service not in stored.services:
            names = ", ".join(sorted(stored.services)) or "none yet"
            raise UserMistake(f"there is no service {act.service}", code="no-such-service", remedy=f"known: {names}")
        return [Fact(act.service, engine.ports.clock.now(), asked)]

    if act.verb == "retry":
        engine.watch.again.add(act.service)
        engine.watch.hint()
    await engine.record(facts)
    return await _answer(engine, act.service, name, ACTS_AT_ONCE)


async def _name(engine: Engine, who: Principal, act: Act) -> tuple[str, bool]:
    """What an act is called, and whether it was asked before with the same key: by the same principal, of the same
    service and verb, within a day."""
    if not act.key:
        return f"a-{engine.ports.chance.token()}", False
    name = f"a-{short(digest_of_value([who.name, act.service, act.verb, act.key]))}"
    query = FactQuery(act.service, kinds=("ActAsked",), limit=ACTS_REMEMBERED)
    uses = [fact for fact in await engine.ports.store.facts(query) if fact.body.act.partition(".")[0] == name]
    if not uses:
        return name, False
    newest = uses[-1]
    if seconds_between(newest.at, engine.ports.clock.now()) >= KEY_SECONDS:
        return f"{name}.{len(uses) + 1}", False
    if (newest.body.reason, newest.body.arguments) != (act.reason, act.arguments):
        words = "this Idempotency-Key was used for another request"
        raise UserMistake(words, code="key-reused", remedy="use a new key")
    return newest.body.act, True


async def _answer(engine: Engine, service: str, name: str, newest: int) -> str:
    """The answer of a pass, looked for among the newest acts that ended."""
    waited = 0.0
    while waited < ANSWER_SECONDS:
        await engine.ports.clock.sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
        state = (await engine.current()).services.get(service)
        if state is not None and any(act.act == name for act in state.acts):
            continue
        query = FactQuery(service, kinds=("ActEnded",), limit=newest)
        ended = [fact.body for fact in await engine.ports.store.facts(query) if fact.body.act == name]
        if not ended:
            continue
        if ended[0].outcome != "done":
            raise Refused(ended[0].words, code="act-refused", where=f"services/{service}")
        return str(ended[0].words)
    raise Unavailable(
        f"no pass of the loop answered within {ANSWER_SECONDS:.0f} s; the act is stored and will be answered",
        code="no-answer-yet",
        remedy=f"`windlass why {service}` shows what became of it",
    )
