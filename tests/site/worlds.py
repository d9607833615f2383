"""Sites in a few letters: releases a, b and c, slices such as `s2 a95 b5`, replicas such as `a0:ready`."""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from windlass.adapters.simulated.replicas import SimulatedReplicas
from windlass.adapters.simulated.traffic import SimulatedTraffic
from windlass.adapters.simulated.uplink import SimulatedUplink
from windlass.adapters.simulated.world import SimulatedChance, SimulatedClock, SimulatedDisk
from windlass.adapters.world import RealTasks
from windlass.delivery.services.names import replica_name
from windlass.delivery.services.types import AloneLimit, ReplicaSet, Route, ServiceSlice, SitePlan
from windlass.facts.counts import SiteReport
from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.digests import Digest, digest_of, hex_of
from windlass.kernel.records import to_json
from windlass.ports.replicas import ReplicaProcess
from windlass.ports.sites import SignedPlan
from windlass.site.agent import Agent, build
from windlass.site.types import SitePorts, SiteSettings

SERVICE = "fraud"
A, B, C = ("blake3:" + letter * 64 for letter in "abc")
RELEASES = {"a": A, "b": B, "c": C}
_PART = re.compile(r"([abc])(\d+)(?:x(\d+))?")


def slice_of(text: str, service: str = SERVICE, **more: object) -> ServiceSlice:
    """`s2 a95 b5x2`: step s2, a with 95 %, b with 5 % and two replicas. The first release is the champion."""
    step, *parts = text.split()
    routes: list[Route] = []
    placed: list[ReplicaSet] = []
    for part in parts:
        found = _PART.fullmatch(part)
        assert found, part
        letter, share, count = found.groups()
        role = "candidate" if routes else "champion"
        if int(share):
            routes.append(Route(RELEASES[letter], 100 * int(share), role))
        placed.append(ReplicaSet(RELEASES[letter], int(count or 1)))
    defaults: dict[str, object] = {"salt": "r1", "alone": AloneLimit(100, 0.25) if len(routes) > 1 else None}
    return ServiceSlice(service, step, tuple(routes), tuple(placed), **{**defaults, **more})  # type: ignore[arg-type]


def words_of(piece: ServiceSlice) -> str:
    """The slice as `slice_of` reads it, with warm releases at the end."""
    weights = {route.release: route.weight for route in piece.routes}
    warm = [one.release for one in piece.replicas if one.release not in weights]
    counts = {one.release: f"x{one.count}" for one in piece.replicas if one.count > 1}
    parts = [
        f"{letter_of(route.release)}{route.weight // 100}{counts.get(route.release, '')}" for route in piece.routes
    ]
    return " ".join([piece.step_id, *parts, *(f"{letter_of(release)}0" for release in warm)])


def letter_of(release: str) -> str:
    """The one letter of a release."""
    return hex_of(Digest(release))[0]


def name_of(text: str, service: str = SERVICE, timeout_seconds: float = 10.0) -> str:
    """The real name of replica `a0`, by the time-out that it keeps."""
    return replica_name(service, RELEASES[text[0]], int(text[1:]), 0, timeout_seconds)


def socket_of(text: str, service: str = SERVICE) -> str:
    """The socket of replica `a0`."""
    return f"/r/{name_of(text, service)}.sock"


def replica(text: str, service: str = SERVICE) -> ReplicaProcess:
    """`a0:ready`."""
    short, state = text.split(":")
    return ReplicaProcess(
        name_of(short, service), service, RELEASES[short[0]], state, socket_of(short, service), 1, "words"
    )


Story = Callable[["World"], Coroutine[Any, Any, None]]


class Seals:
    """Signatures that a test can make: the digest of what is signed."""

    def sign(self, payload: bytes) -> str:
        return digest_of(payload)

    def verify(self, payload: bytes, signature: str) -> bool:
        return signature == digest_of(payload)


class World:
    """A whole site in memory. `tick` lets half a second pass and the agent make one pass."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.disk = SimulatedDisk()
        self.traffic = SimulatedTraffic(self.clock)
        self.replicas = SimulatedReplicas(self.clock)
        self.uplink = SimulatedUplink()
        self.agent = self.start_agent()

    def start_agent(self) -> Agent:
        """A new agent over the same disk, gateway and replicas, as after a crash of the old one."""
        ports = SitePorts(
            self.clock,
            SimulatedChance(1),
            self.disk,
            RealTasks(),
            self.traffic,
            self.replicas,
            self.uplink,
            Seals(),
        )
        self.agent = build(ports, SiteSettings("local", "/site", reserved_bytes=1000))
        return self.agent

    def publish(self, generation: int, *slices: ServiceSlice) -> None:
        """Lay out a signed plan."""
        self.uplink.plan = signed(generation, *slices)

    async def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.clock.advance(0.5)
            await self.agent.step()

    async def ready(self, generation: int, *slices: ServiceSlice) -> None:
        """Publish a plan and let it come into force."""
        self.publish(generation, *slices)
        await self.tick(8)
        assert self.report.generation == generation
        assert () == self.report.unready

    @property
    def report(self) -> SiteReport:
        """The newest report."""
        return self.uplink.reports[-1]

    @property
    def routes(self) -> str:
        """What the gateway routes for the service, in letters."""
        return next((words_of(piece) for piece in self.traffic.wish.services if piece.service == SERVICE), "")

    def stored(self, name: str) -> Any:
        """A file of the site as JSON."""
        return json.loads(self.disk.files[f"/site/{name}"])


def signed(generation: int, *slices: ServiceSlice, site: str = "local") -> SignedPlan:
    """A plan as the control plane signs it."""
    payload = canonical_bytes(to_json(SitePlan(site, generation, slices))).decode()
    return SignedPlan(site, generation, payload, Seals().sign(payload.encode()))


def in_a_world(story: Story) -> Callable[[], None]:
    """Run a story in a new world."""

    @wraps(story)
    def test() -> None:
        asyncio.run(story(World()))

    del test.__wrapped__  # pytest would ask for the world as a fixture
    return test
