"""A simulated world: one control plane, one site, one repository, callers.

Wired as `main` wires the real one; only the adapters differ. Crashing the control plane drops everything that is not
stored; crashing the site agent drops everything that is not on its disk.
"""

from dataclasses import dataclass, field

from windlass.adapters.simulated.compute import SimulatedCompute
from windlass.adapters.simulated.git import SimulatedGit
from windlass.adapters.simulated.replicas import SimulatedReplicas
from windlass.adapters.simulated.store import SimulatedArtifacts, SimulatedMachine, SimulatedSigner
from windlass.adapters.simulated.traffic import SimulatedTraffic
from windlass.adapters.simulated.world import SimulatedChance, SimulatedClock, SimulatedDisk
from windlass.adapters.sites import MailboxSites
from windlass.adapters.store.sqlite import SqliteStore
from windlass.adapters.world import RealTasks
from windlass.engine import commands
from windlass.engine.commands import Principal
from windlass.engine.loop import Engine
from windlass.engine.ports import EnginePorts
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact, write_fact
from windlass.facts.state import ServiceState
from windlass.kernel.digests import digest_of_value
from windlass.kernel.errors import Unavailable, WindlassError
from windlass.ports.store import FactQuery
from windlass.sim.links import Link
from windlass.sim.scripts import Script, Scripts
from windlass.site.agent import Agent, build
from windlass.site.types import SitePorts, SiteSettings

REPOSITORY = "/repo"
TICK_SECONDS = 1.0
PERSON = Principal("ann")


@dataclass(slots=True)
class Callers:
    """How many requests a second arrive, and what became of them. Lost are those that nobody could answer."""

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
    """

    def __init__(self, seed: int, service: str, spec: str) -> None:
        self.service = service
        self.spec = spec
        self.clock = SimulatedClock()
        self.chance = SimulatedChance(seed)
        self.git = SimulatedGit()
        self.scripts = Scripts()
        self.compute = SimulatedCompute(self.clock, self.scripts)
        self.disk = SimulatedDisk()
        self.traffic = SimulatedTraffic(self.clock, seed)
        self.replicas = SimulatedReplicas(self.clock)
        self.artifacts = SimulatedArtifacts(self.clock)
        self.machine = SimulatedMachine()
        self.store = SqliteStore(":memory:", executor="inline")
        self.callers = Callers()
        self.link = Link("local")
        self.engine: Engine | None = self._new_engine()
        self.agent: Agent | None = self._new_agent()
        self.troubles: list[str] = []
        self.store_fails = False

    def _new_engine(self) -> Engine:
        ports = EnginePorts(
            clock=self.clock,
            chance=self.chance,
            store=self.store,
            git=self.git,
            compute=self.compute,
            artifacts=self.artifacts,
            sites=MailboxSites(),
            signer=SimulatedSigner(),
            machine=self.machine,
        )
        engine = Engine(ports)
        self.link.engine = engine
        return engine

    def _new_agent(self) -> Agent:
        ports = SitePorts(
            clock=self.clock,
            chance=self.chance,
            disk=self.disk,
            tasks=RealTasks(),
            traffic=self.traffic,
            replicas=self.replicas,
            uplink=self.link,
            verifier=SimulatedSigner(),
        )
        return build(ports, SiteSettings(site="local", folder="/site", reserved_bytes=0))

    def commit(self, script: Script) -> str:
        """Push a commit; its content follows from the script."""
        files = {
            "windlass.yaml": self.spec.encode(),
            "train.py": (script.same_as or script.subject).encode(),
            "data/holdout.csv": b"id,label\n",
        }
        commit = self.git.commit(REPOSITORY, script.subject, files)
        self.scripts.by_commit[commit] = script
        if not script.starts:
            self.replicas.break_release(script.release, "no module named sklearn")
        return commit

    async def begin_with(self, script: Script) -> None:
        """A first commit, and the repository is watched."""
        self.commit(script)
        await self.begin()

    async def history(self) -> str:
        """The digest of all stored facts and of what callers saw: equal for equal seeds."""
        facts = [write_fact(fact) for fact in await self.store.facts(FactQuery(limit=100_000))]
        return digest_of_value(
            [facts, self.callers.sent, self.callers.lost, dict(sorted(self.callers.answered.items()))]
        )

    async def begin(self) -> None:
        """Watch the repository."""
        engine = self._running()
        await commands.watch_repository(engine, PERSON, REPOSITORY, "main")

    async def tick(self) -> None:
        """One virtual second: callers call, the site works, the control plane works."""
        self.clock.advance(TICK_SECONDS)
        self._call()
        if self.agent is not None:
            await self.agent.step()
        if self.engine is not None:
            await self._pass(self.engine)

    async def _pass(self, engine: Engine) -> None:
        try:
            if self.store_fails:
                raise Unavailable("the database is locked", code="store-busy")
            await engine.step()
        except WindlassError as error:
            engine.stored = None
            self.troubles.append(str(error))

    def _call(self) -> None:
        callers = self.callers
        callers.carried += callers.rate * TICK_SECONDS
        count = int(callers.carried)
        callers.carried -= count
        if not count:
            return
        releases = [route.release for piece in self.traffic.wish.services for route in piece.routes]
        scripts = {release: self.scripts.of_release(release) for release in releases}
        failed = {release: script.bad for release, script in scripts.items() if script is not None}
        durations = {release: script.milliseconds for release, script in scripts.items() if script is not None}
        answered = self.traffic.send(self.service, count, failed, durations)
        callers.sent += count
        callers.lost += count - sum(answered.values())
        for release, number in answered.items():
            callers.answered[release] = callers.answered.get(release, 0) + number

    async def ask(self, verb: str, reason: str, **arguments: object) -> None:
        """A person asks for an act; the next tick answers it."""
        asked = kinds.ActAsked(f"a-{self.chance.token()}", verb, PERSON.name, reason, arguments)
        await self._running().record(lambda stored: [Fact(self.service, self.clock.now(), asked)])

    def _running(self) -> Engine:
        assert self.engine is not None, "the control plane is dead in this story"
        return self.engine

    def kill_control(self) -> None:
        """Kill -9 the control plane: all that is not stored is gone."""
        self.engine = self.link.engine = None

    def start_control(self) -> None:
        """The supervisor starts it again; from a byte copy of what was committed."""
        self.store = SqliteStore.restored(self.store.snapshot())
        self._new_engine()
        self.engine = self.link.engine

    def restart_agent(self) -> None:
        """Kill -9 the site agent and start it again: gateway and replicas go on, its disk is what it knows."""
        self.agent = self._new_agent()

    async def state(self) -> ServiceState:
        """The service as stored."""
        known = self.engine.stored if self.engine is not None else None
        stored = known if known is not None else await self.store.load()
        return stored.services.get(self.service, ServiceState(self.service))
