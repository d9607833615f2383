"""Random days: commits, callers, people and faults, all drawn from one seed.

A day has a stormy part and a calm one. In the storm anything may happen; in the calm nothing is broken any more, and
the system must come to rest: what is asked for is answered, the loop converges, a settled system stores nothing.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from windlass.adapters.simulated.world import disk_full, no_fault
from windlass.sim.promises import broken_promises
from windlass.sim.scripts import Script
from windlass.sim.world import REPOSITORY, World

SERVICE = "doctor-visits"
SPEC = """\
service: doctor-visits
train: python train.py
data: {holdout: data/holdout.csv, label: label}
gate:
  - roc_auc >= 0.70
rollout: {time_limit: 10m}
"""
STORM_SECONDS = 1200  # twenty virtual minutes
CALM_SECONDS_MAX = 1800  # a time limit, two retries of a build and a rollout fit in
NOTICE_SECONDS = 30  # that a fault has ended is noticed at the next look at Git and the machine, not at that instant
FAULT_CHANCE = 0.05  # of each second of the storm
EVENT_CHANCE = 0.03


@dataclass(slots=True)
class Day:
    """What one seed came to. `broken` holds the sentences that were not true, each with its second."""

    seed: int
    seconds: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    digest: str = ""


async def live_through(seed: int) -> Day:
    """One day of one seed; it ends at the first broken promise."""
    weather = Weather(seed)
    day = weather.day
    await weather.world.begin_with(Script("v0"))
    for _ in range(STORM_SECONDS):
        await weather.storm()
        if not await _tick(weather):
            return day
    weather.calm()
    for second in range(CALM_SECONDS_MAX):
        if second >= NOTICE_SECONDS and await weather.settled():
            break
        if not await _tick(weather):
            return day
    day.broken += await weather.at_rest()
    day.digest = await weather.world.history()
    return day


async def _tick(weather: "Weather") -> bool:
    world, day = weather.world, weather.day
    before = await world.state()
    await world.tick()
    day.seconds += 1
    day.broken += [f"second {day.seconds}: {words}" for words in await broken_promises(world, before)]
    return not day.broken


class Weather:
    """What happens to one world, drawn from its own chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World(seed, SERVICE, SPEC)
        self.day = Day(seed)
        self._commits = 0
        self._until: dict[str, int] = {}
        self._faults: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "control plane dead": (self.world.kill_control, self._start_control),
            "line cut": (lambda: self._cut(True), lambda: self._cut(False)),
            "git away": (self._git_away, self.world.git.broken.clear),
            "site disk full": (lambda: self._disk(True), lambda: self._disk(False)),
            "lines lost": (lambda: self._gap(True), lambda: self._gap(False)),
            "store busy": (lambda: self._store(True), lambda: self._store(False)),
            "machine full": (lambda: self._machine(0.02), lambda: self._machine(0.5)),
            "agent killed": (self.world.restart_agent, lambda: None),
            "gateway killed": (self._kill_gateway, lambda: None),
            "replica killed": (self._kill_replica, lambda: None),
            "control plane restarted": (self._restart_control, lambda: None),
            "hint": (self._hint, lambda: None),
        }

    async def storm(self) -> None:
        """One second of the storm: faults end, faults begin, people and commits come."""
        for name in [one for one, until in self._until.items() if until <= self.day.seconds]:
            self._end(name)
        if self.chance.random() < FAULT_CHANCE:
            name = self.chance.choice(sorted(self._faults))
            if name not in self._until:
                self.day.faults[name] += 1
                self._faults[name][0]()
                self._until[name] = self.day.seconds + self.chance.randint(1, 90)
        if self.chance.random() < EVENT_CHANCE:
            await self._event()

    def calm(self) -> None:
        """Every fault ends; callers call, at a rate at which a canary is judged within minutes."""
        for name in list(self._until):
            self._end(name)
        self.world.callers.rate = 200.0

    def _end(self, name: str) -> None:
        del self._until[name]
        self._faults[name][1]()

    async def _event(self) -> None:
        kind = self.chance.choice(["commit", "commit", "traffic", "act"])
        self.day.events[kind] += 1
        if kind == "commit":
            self._commits += 1
            self.world.commit(self._script(f"v{self._commits}"))
        elif kind == "traffic":
            self.world.callers.rate = self.chance.choice([0.0, 1.0, 20.0, 200.0])
        elif self.world.engine is not None and "store busy" not in self._until:
            verb = self.chance.choice(["promote", "abort", "pause", "resume", "rollback", "retry", "freeze"])
            arguments = {"full": True} if verb == "promote" and self.chance.random() < 0.3 else {}
            if (await self.world.state()).generation:
                await self.world.ask(verb, "a random day", **arguments)

    def _script(self, subject: str) -> Script:
        draw = self.chance.random
        return Script(
            subject,
            gate=self.chance.choices(["pass", "fail", "unsure"], [6, 1, 1])[0],
            build=self.chance.choices(["ok", "user", "network"], [8, 1, 1])[0],
            bad=0.2 if draw() < 0.2 else 0.0,
            milliseconds=80.0 if draw() < 0.1 else 20.0,
            starts=draw() > 0.05,
            same_as=f"v{self.chance.randint(0, self._commits)}" if draw() < 0.1 else "",
        )

    def _start_control(self) -> None:
        if self.world.engine is None:
            self.world.start_control()

    def _restart_control(self) -> None:
        if self.world.engine is not None:
            self.world.kill_control()
            self.world.start_control()

    def _cut(self, is_cut: bool) -> None:
        self.world.link.is_cut = is_cut

    def _git_away(self) -> None:
        self.world.git.broken[REPOSITORY] = "the remote does not answer"

    def _disk(self, is_full: bool) -> None:
        self.world.disk.fault = disk_full if is_full else no_fault

    def _gap(self, is_gap: bool) -> None:
        self.world.traffic.gap = is_gap

    def _store(self, is_busy: bool) -> None:
        self.world.store_fails = is_busy

    def _machine(self, free: float) -> None:
        self.world.machine.free = free

    def _kill_gateway(self) -> None:
        self.world.traffic.is_up = False

    def _kill_replica(self) -> None:
        names = self.world.replicas.names()
        if names:
            self.world.replicas.crash(self.chance.choice(names))

    def _hint(self) -> None:
        if self.world.engine is not None:
            self.world.engine.watch.hint()

    async def settled(self) -> bool:
        """Whether nothing is asked for, built, judged or moved any more, or a person is waited for."""
        if self.world.engine is None or self.day.seconds % 30:
            return False
        watched = (await self.world.store.load()).repositories[REPOSITORY]
        state = await self.world.state()
        if watched.commit != self.world.git.branches[(REPOSITORY, "main")]:
            return False
        if state.acts or any(build.state == "running" for build in state.builds.values()):
            return False
        if any(record.gate_job for record in state.releases.values()):
            return False
        plan = self.world.engine.plans.get(SERVICE)
        if plan is None or plan.facts or any(one.until_at is not None for one in plan.reports):
            return False
        return state.rollout is None or bool(state.rollout.paused_by or state.freeze) or _asks(plan.reports)

    async def at_rest(self) -> list[str]:
        """What is wrong at the end of the calm."""
        if not await self.settled():
            plan = self.world.engine.plans.get(SERVICE) if self.world.engine is not None else None
            said = "; ".join(f"{one.stage}: {one.because}" for one in plan.reports) if plan else "no plan"
            return [f"after {CALM_SECONDS_MAX} s of calm it has not come to rest: {said}"]
        before = await self.world.store.load()
        for _ in range(15):
            await self.world.tick()
        after = await self.world.store.load()
        if after.generation != before.generation:
            return [f"a settled system stored {after.generation - before.generation} changes"]
        return [f"the site is not what the plan says: {words}" for words in self._differs(after.slices.get(SERVICE))]

    def _differs(self, wanted: object) -> list[str]:
        routed = next((one for one in self.world.traffic.wish.services if one.service == SERVICE), None)
        wanted_routes = getattr(wanted, "routes", ())
        routed_routes = routed.routes if routed is not None else ()
        return [] if wanted_routes == routed_routes else [f"{routed_routes} instead of {wanted_routes}"]


def _asks(reports: object) -> bool:
    """Whether the rollout waits for a person."""
    assert isinstance(reports, tuple)
    return any(one.stage == "rollouts" and "windlass" in one.until for one in reports)
