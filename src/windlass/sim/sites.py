"""A simulated site: its agent's ports, its clock and its seam, and how the agent is killed and started."""

from windlass.adapters.simulated.replicas import SimulatedReplicas
from windlass.adapters.simulated.sockets import Socket, reception
from windlass.adapters.simulated.store import SimulatedSigner
from windlass.adapters.simulated.taps import Killed, Tap, tapped
from windlass.adapters.simulated.traffic import SimulatedTraffic
from windlass.adapters.simulated.world import ProcessClock, SimulatedChance, SimulatedClock, SimulatedDisk
from windlass.adapters.world import RealTasks
from windlass.kernel.errors import WindlassError
from windlass.sim.links import Link
from windlass.site.agent import Agent, build
from windlass.site.types import SitePorts, SiteSettings

FOLDER = "/site"


class SimulatedSite:
    """One site. `agent` is None while it is dead; gateway, replicas and disk are the machine's and outlive it."""

    def __init__(self, name: str, clock: SimulatedClock, chance: SimulatedChance, seed: int) -> None:
        self.name = name
        self.clock = ProcessClock(clock)
        self.chance = chance
        self.disk = SimulatedDisk()
        self.replicas = SimulatedReplicas(clock)
        self.traffic = SimulatedTraffic(self.clock, seed, self.replicas.at, clock)
        self.link = Link(name, clock)
        self.tap = Tap()
        self.is_frozen = False
        self.is_forgetful = False  # its disk lost or damaged something that it had called durable
        self.ended: list[str] = []  # what agents said that ended by themselves
        self.agent: Agent | None = None
        self.start()

    @property
    def unserved(self) -> int:
        """How many callers got no answer from any release so far."""
        return self.traffic.lost + self.traffic.turned_away

    def is_answering(self) -> bool:
        """Whether the gateway runs and every release with a share answers at once."""
        paths = {(one.service, one.release): one.sockets for one in self.traffic.wish.endpoints}
        called = [
            paths.get((piece.service, route.release), ())
            for piece in self.traffic.wish.services
            for route in piece.routes
            if route.weight > 0
        ]
        return self.traffic.is_up and all(reception(one, self.replicas.at) is Socket.ANSWERS for one in called)

    def start(self) -> None:
        """Start the agent, as the supervisor does: its disk is all that it knows."""
        ports = SitePorts(
            clock=self.clock,
            chance=self.chance,
            disk=tapped(self.disk, "disk", self.tap),
            tasks=RealTasks(),
            traffic=tapped(self.traffic, "traffic", self.tap),
            replicas=tapped(self.replicas, "replicas", self.tap),
            uplink=tapped(self.link, "uplink", self.tap),
            verifier=SimulatedSigner(),
        )
        self.tap.dies_in = -1
        self.replicas.let_go()  # of what an earlier agent held
        self.replicas.has_agent = True
        self.agent = build(ports, SiteSettings(site=self.name, folder=FOLDER, reserved_bytes=0))

    def kill(self) -> None:
        """Kill -9 the agent; gateway and replicas go on."""
        self.agent = None
        self.replicas.let_go()

    async def step(self) -> None:
        """One pass of the agent, if it lives and is not stopped. One that ends by itself is started again."""
        if self.agent is None or self.is_frozen:
            return
        try:
            await self.agent.step()
        except Killed:
            self.kill()
        except WindlassError as error:
            self.ended.append(str(error))
            self.start()
