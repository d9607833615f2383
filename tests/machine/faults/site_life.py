"""The site agent: plans and a person's acts on the real disk, asked for over a real socket.

Gateway, replicas and time are simulated. The second round begins with the control plane dead: what the first round had
in force must be in force again before anybody answers.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress

from tests.adapters.uplink.scenes import ControlPlane
from tests.machine.faults.lives import Life, Tell, say
from tests.site.worlds import SERVICE, Seals, signed, slice_of
from windlass.adapters.simulated.replicas import SimulatedReplicas
from windlass.adapters.simulated.traffic import SimulatedTraffic
from windlass.adapters.simulated.world import SimulatedChance, SimulatedClock
from windlass.adapters.world import RealDisk, RealTasks
from windlass.kernel.errors import Refused, Unavailable
from windlass.kernel.records import from_json
from windlass.site.acts import Asked, Journalled
from windlass.site.agent import build
from windlass.site.types import SitePorts, SiteSettings

PLANS = ("s1 a100", "s2 a90 b10", "s3 a50 b50", "s4 a100", "s5 a90 c10")
STEPS_MAX = 60
COLD_STEPS = 4


class Site:
    """An agent in a folder, and the control plane that it asks."""

    def __init__(self, folder: str, tell: Tell, round_: int) -> None:
        self.clock = SimulatedClock()
        self.clock.advance(3600.0 * round_)
        self.traffic = SimulatedTraffic(self.clock)
        self.control = ControlPlane(folder)
        self._tell = tell
        self._told = 0
        ports = SitePorts(
            *(self.clock, SimulatedChance(1), RealDisk(), RealTasks(), self.traffic),
            *(SimulatedReplicas(self.clock), self.control.uplink, Seals()),
        )
        self.agent = build(ports, SiteSettings("local", f"{folder}/site", reserved_bytes=4096))

    async def step(self) -> None:
        """Half a second and a pass; reports that arrived are told by their numbers."""
        self.clock.advance(0.5)
        before = self.stuck
        await self.agent.step()
        for key, words in self.stuck.items():
            if before.get(key) != words:
                say(f"stuck: {key}: {words}")
        for report in self.control.arrived[self._told :]:
            self._tell(f"report {report.seq}")
            for key, words in report.stuck.items():
                say(f"reported: {key}: {words}")
        self._told = len(self.control.arrived)

    @property
    def stuck(self) -> dict[str, str]:
        found: dict[str, str] = self.agent.status()["stuck"]
        return found

    @property
    def generation(self) -> int:
        return int(self.agent.status()["generation"])

    async def until(self, what: str, true: Callable[[], bool]) -> None:
        """Step until something is true, then tell it."""
        for _ in range(STEPS_MAX):
            await self.step()
            if true():
                return self._tell(what)
        raise AssertionError(f"{what} does not happen: {self.agent.status()}")

    async def plan(self, generation: int, *, seen: int = 0) -> None:
        """Lay out a plan and wait until it is in force."""
        piece = slice_of(PLANS[generation - 1], way_back=slice_of("s a100").routes[0].release, seen_entry=seen)
        self.control.publish(signed(generation, piece))
        await self.until(f"plan {generation}", lambda: self.generation >= generation)

    async def act(self, verb: str) -> None:
        """A person's act at the socket; asked again where it was refused for now."""
        for _ in range(3):
            try:
                done = await self.agent.act(Asked(verb, SERVICE, "ann", "night"))
                return self._tell(f"act {done['entry']} {verb}")
            except Unavailable as error:
                say(f"the act was refused: {error}")
        raise AssertionError(f"{verb} cannot be carried out")


async def _live(folder: str, tell: Tell, round_: int) -> None:
    site = Site(folder, tell, round_)
    if round_ > 1:
        for _ in range(COLD_STEPS):
            await site.step()
        tell(f"cold {site.generation} {'serves' if site.traffic.wish.services else 'silent'}")
    await site.control.open()
    await site.plan(1)
    await site.plan(2)
    with suppress(Refused):  # the first round has left the release already
        await site.act("rollback")
    await site.until("left", lambda: _share(site, "b") == 0)
    await site.plan(3)
    assert _share(site, "b") == 0, "a plan made in ignorance undid a person's act"
    await site.plan(4, seen=1)
    await site.plan(5, seen=1)
    with suppress(Refused):
        await site.act("pause")
    await site.control.cut()
    await site.control.uplink.close()


def _share(site: Site, letter: str) -> int:
    release = slice_of(f"s {letter}100").routes[0].release
    return sum(
        route.weight for piece in site.traffic.wish.services for route in piece.routes if route.release == release
    )


async def _wrong(folder: str, told: Sequence[tuple[int, str]]) -> list[str]:
    found = []
    first = [word.split() for round_, word in told if round_ == 1]
    cold = next((word.split() for round_, word in told if round_ == 2 and word.startswith("cold ")), None)
    plans = [int(word[1]) for word in first if word[0] == "plan"]
    if cold is None or (plans and (int(cold[1]) < max(plans) or cold[2] != "serves")):
        found.append(f"plan {max(plans, default=0)} was in force, after a restart alone the site says {cold}")
    reports = [int(word.removeprefix("report ")) for _, word in told if word.startswith("report ")]
    if reports != sorted(set(reports)):
        found.append(f"the numbers of reports do not grow: {reports}")
    data = await RealDisk().read(f"{folder}/site/journal.jsonl") or b""
    entries = [from_json(Journalled, json.loads(line)).entry for line in data.split(b"\n") if line]
    if [entry.seq for entry in entries] != sorted({entry.seq for entry in entries}):
        found.append(f"the journal's numbers do not grow: {[entry.seq for entry in entries]}")
    kept = {f"act {entry.seq} {entry.verb}" for entry in entries}
    found += [f"lost {word}" for _, word in told if word.startswith("act ") and word not in kept]
    return found


SITE = Life("site", _live, _wrong)
