"""A simulated world: one control plane, one or several sites, one repository, callers.

Wired as `main` wires the real one; only the adapters differ. Crashing the control plane drops everything that is not
stored; crashing a site agent drops everything that is not on its disk.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial

from windlass.adapters.simulated.compute import SimulatedCompute
from windlass.adapters.simulated.git import SimulatedGit
from windlass.adapters.simulated.replicas import SimulatedReplicas
from windlass.adapters.simulated.store import SimulatedArtifacts, SimulatedLeftovers, SimulatedMachine, SimulatedSigner
from windlass.adapters.simulated.taps import Killed, Tap, tapped
from windlass.adapters.simulated.traffic import SimulatedTraffic
from windlass.adapters.simulated.world import ProcessClock, SimulatedChance, SimulatedClock, SimulatedDisk
from windlass.adapters.sites import MailboxSites
from windlass.adapters.store.sqlite import SqliteStore
from windlass.engine import commands
from windlass.engine.commands import Principal
from windlass.engine.loop import Engine
from windlass.engine.ports import EnginePorts
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact, write_fact
from windlass.facts.state import ServiceState
from windlass.kernel.digests import digest_of, digest_of_value
from windlass.ports.store import FactQuery
from windlass.sim.links import Link
from windlass.sim.scripts import Script, Scripts
from windlass.sim.sites import SimulatedSite
from windlass.site.agent import Agent

Turn = Callable[[], Awaitable[None]]

REPOSITORY = "/repo"
TICK_SECONDS = 1.0
PERSON = Principal("ann")


@dataclass(slots=True)
class Callers:
    """How many requests a second arrive at all sites together, and what became of them. Lost are those that nobody
    could answer; some may wait."""

    rate: float = 0.0
    sent: int = 0
    lost: int = 0
    answered: dict[str, int] = field(default_factory=dict)
    carried: float = 0.0


class World:
    """Everything that one seed decides.

    Args:
        seed: of all chance.
        service: the name of the one service.
        spec: its `windlass.yaml`.
        sites: the names of the sites; callers spread evenly over them.
    """

    def __init__(self, seed: int, service: str, spec: str, sites: tuple[str, ...] = ("local",)) -> None:
        self.service = service
        self.spec = spec
        self.beside: dict[str, bytes] = {}  # what else every commit holds, by path
        self.clock = SimulatedClock()
        self.control_clock = ProcessClock(self.clock)
        self.chance = SimulatedChance(seed)
        self.git = SimulatedGit()
        self.scripts = Scripts()
        self.compute = SimulatedCompute(self.clock, self.scripts)
        self.artifacts = SimulatedArtifacts(self.clock)
        self.machine = SimulatedMachine()
        self.store = SqliteStore(":memory:", executor="inline")
        self.tap = Tap()
        self.callers = Callers()
        self.sites = {
            name: SimulatedSite(name, self.clock, self.chance, 1000 * seed + number)
            for number, name in enumerate(sites)
        }
        self.order: random.Random | None = None  # who is first in a second is drawn from it; None for always the same
        self.is_frozen = False
        self.is_control_first = False  # in the next second the control plane looks before the sites work
        self.is_deaf = False  # nothing wakes the control plane
        self.troubles: list[str] = []  # what passes of the control plane said that failed
        self.engine: Engine | None = self._new_engine()

    @property
    def site(self) -> SimulatedSite:
        """The first site; most stories have no other."""
        return next(iter(self.sites.values()))

    @property
    def agent(self) -> Agent | None:
        """The first site's agent; None while it is dead."""
        return self.site.agent

    @agent.setter
    def agent(self, agent: Agent | None) -> None:
        self.site.agent = agent

    @property
    def traffic(self) -> SimulatedTraffic:
        """The first site's gateway."""
        return self.site.traffic

    @property
    def replicas(self) -> SimulatedReplicas:
        """The first site's model servers."""
        return self.site.replicas

    @property
    def disk(self) -> SimulatedDisk:
        """The first site's disk."""
        return self.site.disk

    @property
    def link(self) -> Link:
        """The first site's line."""
        return self.site.link

    def _new_engine(self) -> Engine:
        tap = self.tap
        tap.dies_in = -1
        ports = EnginePorts(
            clock=self.control_clock,
            chance=self.chance,
            store=tapped(self.store, "store", tap),
            git=tapped(self.git, "git", tap),
            compute=tapped(self.compute, "compute", tap),
            artifacts=tapped(self.artifacts, "artifacts", tap),
            sites=MailboxSites(),
            signer=SimulatedSigner(),
            machine=tapped(self.machine, "machine", tap),
            leftovers=SimulatedLeftovers(),
        )
        engine = Engine(ports, tuple(self.sites))
        for site in self.sites.values():
            site.link.connect(engine)
        return engine

    def commit(self, script: Script, *, spec: bytes | None = None, parent: str | None = None) -> str:
        """Push a commit; its content follows from the script.

        Args:
            script: what its build and gate come to, and how its release answers.
            spec: another `windlass.yaml` than the world's; empty for a commit without one.
            parent: the commit below it: another one than the branch's head rewrites history.
        """
        files = {
            **self.beside,
            "windlass.yaml": self.spec.encode() if spec is None else spec,
            "train.py": (script.same_as or script.subject).encode(),
            "data/holdout.csv": b"id,label\n",
        }
        if spec == b"":
            del files["windlass.yaml"]
        below = self.git.branches.get((REPOSITORY, "main"), "") if parent is None else parent
        commit = self.git.force(REPOSITORY, script.subject, files, parent=below)
        known = self.scripts.of_release(script.release)
        if known is not None:
            script = replace(script, starts=known.starts)  # a release that was made before is the same release
        self.scripts.add(commit, script)
        if not script.starts:
            for site in self.sites.values():
                site.replicas.break_release(script.release, "no module named sklearn")
        return commit

    async def begin_with(self, script: Script) -> None:
        """A first commit, and the repository is watched."""
        self.commit(script)
        await self.begin()

    async def history(self) -> str:
        """The digest of all that happened: every fact, every answer to callers, every file of the sites, and how often
        each verb of each port was called. Equal seeds give equal histories."""
        facts = [write_fact(fact) for fact in await self.store.facts(FactQuery(limit=100_000))]
        sites = [
            [site.name, site.tap.calls, {path: digest_of(data) for path, data in site.disk.files.items()}]
            for site in self.sites.values()
        ]
        callers = [self.callers.sent, self.callers.lost, self.callers.answered]
        return digest_of_value([facts, sites, callers, self.tap.calls, self.clock.now()])

    async def begin(self) -> None:
        """Watch the repository."""
        engine = self._running()
        await commands.watch_repository(engine, PERSON, REPOSITORY, "main")

    async def tick(self, seconds: float = TICK_SECONDS) -> None:
        """One virtual second, or a longer pace: callers call, the sites work, the control plane works."""
        self.clock.advance(seconds)
        turns: list[Turn] = [partial(self._call, seconds), *(site.step for site in self.sites.values()), self._turn]
        if self.order is not None:
            self.order.shuffle(turns)
        if self.is_control_first:
            turns.remove(self._turn)
            turns.insert(0, self._turn)
        self.is_control_first = False
        for turn in turns:
            await turn()

    async def _turn(self) -> None:
        engine = self.engine
        if engine is None or self.is_frozen:
            return
        failures = engine.attempts.failures
        engine.woken = engine.woken and not self.is_deaf
        try:
            await engine.turn()
        except Killed:
            self.kill_control()
        if engine.attempts.failures > failures:
            self.troubles.append(engine.attempts.words)

    async def _call(self, seconds: float) -> None:
        callers = self.callers
        callers.carried += callers.rate * seconds
        count = int(callers.carried)
        callers.carried -= count
        callers.sent += count
        for number, site in enumerate(self.sites.values()):
            share, unserved = (count + number) // len(self.sites), site.unserved
            for answered in (site.traffic.let_wait(), self._send(site, share) if share else {}):
                for release, answers in answered.items():
                    callers.answered[release] = callers.answered.get(release, 0) + answers
            callers.lost += site.unserved - unserved

    def _send(self, site: SimulatedSite, count: int) -> dict[str, int]:
        releases = {route.release for piece in site.traffic.wish.services for route in piece.routes}
        scripts = {release: self.scripts.of_release(release) for release in releases}
        failed = {release: script.bad for release, script in scripts.items() if script is not None}
        durations = {release: script.milliseconds for release, script in scripts.items() if script is not None}
        return site.traffic.send(self.service, count, failed, durations)

    async def ask(self, verb: str, reason: str, **arguments: object) -> str:
        """A person asks for an act; the next tick answers it. Returns the act's id once it is stored."""
        asked = kinds.ActAsked(f"a-{self.chance.token()}", verb, PERSON.name, reason, arguments)
        engine = self._running()
        await engine.record(lambda stored: [Fact(self.service, engine.ports.clock.now(), asked)])
        return asked.act

    def _running(self) -> Engine:
        assert self.engine is not None, "the control plane is dead in this story"
        return self.engine

    def kill_control(self) -> None:
        """Kill -9 the control plane: all that is not stored is gone."""
        self.engine = None
        for site in self.sites.values():
            site.link.connect(None)

    def start_control(self) -> None:
        """The supervisor starts it again; from a byte copy of what was committed."""
        self.store = SqliteStore.restored(self.store.snapshot())
        self.engine = self._new_engine()

    def restart_agent(self) -> None:
        """Kill -9 the first site's agent and start it again."""
        self.site.start()

    async def state(self) -> ServiceState:
        """The service as stored."""
        known = self.engine.stored if self.engine is not None else None
        stored = known if known is not None else await self.store.load()
        return stored.services.get(self.service, ServiceState(self.service))
