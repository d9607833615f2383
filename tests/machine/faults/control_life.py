"""The control plane: key, facts and plan on the real disk, from a first commit to a rollout and a person's rollback.

Engine, store, keys and the site agent are real; Git, jobs, gateway and time are simulated, so that a life takes a
moment.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tests.machine.faults.lives import Life, Tell, say
from windlass.adapters.keys import Ed25519Verifier
from windlass.adapters.sites import MailboxSites
from windlass.adapters.store.sqlite import SqliteStore
from windlass.adapters.world import RealTasks
from windlass.engine.loop import Engine
from windlass.facts import types as kinds
from windlass.facts.fold import fold_all
from windlass.facts.ledger import Fact
from windlass.facts.state import ServiceState
from windlass.kernel.digests import digest_of
from windlass.kernel.errors import Unavailable
from windlass.main.control import engine_ports
from windlass.ports.store import FactQuery, Stored
from windlass.sdk.homes import home_at, make_folders
from windlass.sim.scripts import Script
from windlass.sim.world import World
from windlass.site.agent import build
from windlass.site.types import SitePorts, SiteSettings

SERVICE = "doctor-visits"
SPEC = """\
service: doctor-visits
train: python train.py
data: {holdout: data/holdout.csv, label: label}
gate:
  - roc_auc >= 0.70
rollout: {steps: [50%, 100%], soak: 2s}
timeout: 2s
"""
FIRST, SECOND = Script("v0"), Script("v1")
SECONDS_MAX = 400
ATTEMPTS_MAX = 5


class Town:
    """A simulated world whose control plane lives on the real disk."""

    def __init__(self, folder: str, tell: Tell, round_: int) -> None:
        home = home_at(Path(folder, "town"))
        make_folders(home)
        real = engine_ports(home)
        self.world = world = World(1, SERVICE, SPEC)
        world.clock.advance(3600.0 * round_)
        assert isinstance(real.store, SqliteStore) and world.engine is not None
        world.store = real.store
        self.engine = Engine(replace(world.engine.ports, store=real.store, signer=real.signer, sites=MailboxSites()))
        world.engine = world.link.engine = self.engine
        verifier = Ed25519Verifier((home.site / "public.key").read_text())
        ports = SitePorts(
            *(world.clock, world.chance, world.disk, RealTasks(), world.traffic, world.replicas, world.link, verifier)
        )
        world.agent = build(ports, SiteSettings("local", "/site", reserved_bytes=0))
        self._tell = tell
        self._generation = 0

    async def state(self) -> ServiceState:
        """The service as the control plane knows it."""
        return (await self.engine.current()).services.get(SERVICE, ServiceState(SERVICE))

    async def until(self, what: str, true: Callable[[ServiceState], bool]) -> None:
        """Let virtual seconds pass until something is true; tell what was promised meanwhile."""
        for _ in range(SECONDS_MAX):
            troubles = len(self.world.troubles)
            await self.world.tick()
            for words in self.world.troubles[troubles:]:
                say(f"pass failed: {words}")
            self._published()
            if self.engine.stored is not None and true(await self.state()):
                return self._tell(what)
        raise AssertionError(f"{what} does not happen: {await self.state()}")

    async def ask(self, name: str, verb: str) -> None:
        """A person's act, as the API stores it; asked again where it was not acknowledged."""
        asked = Fact(SERVICE, self.world.clock.now(), kinds.ActAsked(name, verb, "ann", "drill", {}))
        for _ in range(ATTEMPTS_MAX):
            try:
                if not await self._is_asked(name):
                    await self.engine.record(lambda stored: [asked])
                return self._tell(f"act {name}")
            except Unavailable as error:
                say(f"the act was refused: {error}")
        raise AssertionError(f"{name} cannot be asked")

    async def _is_asked(self, name: str) -> bool:
        facts = await self.engine.ports.store.facts(FactQuery(SERVICE, kinds=("ActAsked",)))
        return name in [fact.body.act for fact in facts]

    def _published(self) -> None:
        plan = self.engine.ports.sites.plan("local")
        if plan is not None and plan.generation != self._generation:
            self._generation = plan.generation
            self._tell(f"plan {plan.generation} {digest_of(plan.payload.encode())}")


async def _live(folder: str, tell: Tell, round_: int) -> None:
    town = Town(folder, tell, round_)
    world = town.world
    world.commit(FIRST)
    if (await town.state()).live:
        world.commit(SECOND)
    await _watch(town)
    await town.until("v0 live", lambda state: bool(state.live))
    world.callers.rate = 200.0
    if SECOND not in world.scripts.by_commit.values():
        world.commit(SECOND)
    await town.until("v1 served", lambda state: state.live == SECOND.release or bool(state.quarantine))
    await town.ask("a-back", "rollback")
    await town.until("v1 left", lambda state: not state.acts and state.live == FIRST.release)
    await town.ask("a-resume", "resume")
    await town.until("resumed", lambda state: not state.acts and state.freeze is None)
    await world.store.close()


async def _watch(town: Town) -> None:
    for _ in range(ATTEMPTS_MAX):
        try:
            await town.world.begin()
            return
        except Unavailable as error:
            say(f"the repository is not watched: {error}")
    raise AssertionError("the repository cannot be watched")


async def _wrong(folder: str, told: Sequence[tuple[int, str]]) -> list[str]:
    path = f"{folder}/town/control/facts.db"
    with sqlite3.connect(path) as plain:
        sound = plain.execute("PRAGMA integrity_check").fetchone()[0]
    store = SqliteStore(path)
    stored, facts = await store.load(), await store.facts(FactQuery(limit=100_000))
    await store.close()
    return [
        *([] if sound == "ok" else [f"the file is damaged: {sound}"]),
        *_history(stored, facts),
        *_plans(stored, told),
        *_acts(facts, told),
    ]


def _history(stored: Stored, facts: Sequence[Fact]) -> list[str]:
    """Facts are numbered once, lead to the state, and name each side effect once."""
    found = []
    numbers = [fact.number for fact in facts]
    if numbers != sorted(set(numbers)):
        found.append(f"facts are not in order: {numbers}")
    if stored.services.get(SERVICE) != fold_all(SERVICE, facts):
        found.append("the facts do not lead to the stored state")
    for kind, name in (("StepTaken", "step_id"), ("ReleaseMade", "commit"), ("ActAsked", "act"), ("ActEnded", "act")):
        counts = Counter(getattr(fact.body, name) for fact in facts if fact.kind == kind)
        found += [f"{count} times {kind} {what}" for what, count in counts.items() if count > 1]
    state = stored.services[SERVICE]
    if (state.live, set(state.quarantine)) != (FIRST.release, {SECOND.release}):
        found.append(f"in the end {state.live} is live, {set(state.quarantine)} in quarantine")
    return found


def _plans(stored: Stored, told: Sequence[tuple[int, str]]) -> list[str]:
    """A plan that a site may have seen is never taken back, and its generation never means another one."""
    seen: dict[int, set[str]] = {}
    for _, word in told:
        if word.startswith("plan "):
            _, generation, digest = word.split()
            seen.setdefault(int(generation), set()).add(digest)
    found = [f"{len(digests)} plans of generation {one}" for one, digests in seen.items() if len(digests) > 1]
    if seen and max(seen) > stored.plan_generation:
        found.append(f"plan {max(seen)} was laid out, {stored.plan_generation} is stored")
    return found


def _acts(facts: Sequence[Fact], told: Sequence[tuple[int, str]]) -> list[str]:
    ended = {fact.body.act for fact in facts if fact.kind == "ActEnded"}
    return [f"lost {word}" for _, word in told if word.startswith("act ") and word.removeprefix("act ") not in ended]


CONTROL = Life("control", _live, _wrong)
