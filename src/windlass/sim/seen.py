"""What a witness remembers of one world: all that a promise needs from earlier ticks.

It reads only what anybody could see: stored facts, gateways, model servers, disks, callers.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.state import ServiceState
from windlass.facts.types import BuildFailed
from windlass.kernel.instants import Instant
from windlass.ports.store import FactQuery, Stored
from windlass.sim.sites import SimulatedSite
from windlass.sim.world import World
from windlass.site.agent import Agent

AUTHOR = "windlass"  # who moves traffic where no person does
CONTROL = "the control plane"
LASTING_LOOKS = 5  # what lasts once it is wrong, and costs much to see, is looked at each fifth time


@dataclass(frozen=True, slots=True)
class LastStep:
    """Where a rollout stood: its step (-1 before the first), since when, and all of its shares."""

    step: int
    step_id: str
    at: Instant
    shares: tuple[float, ...]
    champion: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A fact that moved traffic, and where its rollout stood before; None where it was not seen to begin."""

    fact: Fact
    before: LastStep | None

    @property
    def advances(self) -> bool:
        """Whether the loop itself gave a candidate more traffic."""
        body = self.fact.body
        is_step = isinstance(body, kinds.StepTaken) and body.step > 0
        is_end = isinstance(body, kinds.RolloutEnded) and body.outcome == "promoted"
        has_champion = self.before is not None and bool(self.before.champion)
        return (is_step or is_end) and body.who == AUTHOR and has_champion


@dataclass(slots=True)
class Seen:
    """What was seen of one world so far, and what is new since the last look."""

    world: World
    before: ServiceState = field(default_factory=lambda: ServiceState(""))
    state: ServiceState = field(default_factory=lambda: ServiceState(""))
    stored: Stored = field(default_factory=Stored)
    fresh: tuple[Fact, ...] = ()  # facts of the last tick
    moved: tuple[Moved, ...] = ()  # those of them that moved traffic
    number: int = 0  # of the last fact
    generation: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    once: Counter[str] = field(default_factory=Counter)
    asked: set[str] = field(default_factory=set)  # acts that were acknowledged
    journalled: set[tuple[str, int]] = field(default_factory=set)  # entries that a site acknowledged
    durable: set[tuple[str, int]] = field(default_factory=set)  # those of them that were found on its disk
    left: set[tuple[str, str]] = field(default_factory=set)  # at a site, since the last look: candidates left there
    uncertain: set[str] = field(default_factory=set)  # sites that may have stored what they did not acknowledge
    amnesic: set[str] = field(default_factory=set)  # sites whose disk ever lost something
    watches_sites: bool = False  # all acts at sites are told to this witness
    looks: int = 0
    behind: int = 0  # for how many looks the control plane has not known what is stored
    turned_away: dict[str, int] = field(default_factory=dict)  # callers at each site, since the last look
    turned_away_ever: dict[str, int] = field(default_factory=dict)
    troubled_at: dict[str, Instant] = field(default_factory=dict)  # when something last kept a site from its work
    agents: dict[str, Agent | None] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)  # who ended or gave up a pass since the last look, and why
    failures_ever: dict[str, int] = field(default_factory=dict)
    hindered_at: dict[str, Instant] = field(default_factory=dict)  # when a port of theirs last answered falsely
    calm: dict[str, int] = field(default_factory=dict)  # for how many looks no port of a site answered falsely
    rollouts: dict[str, LastStep] = field(default_factory=dict)
    lives: set[str] = field(default_factory=set)  # every release that was ever live
    published: dict[str, int] = field(default_factory=dict)  # the highest weight that a release was ever given
    bans: dict[str, set[str]] = field(default_factory=dict)  # what each gateway was told never to serve
    versions: dict[str, tuple[int, int]] = field(default_factory=dict)  # of each gateway's wish
    skews: dict[str, float] = field(default_factory=dict)  # by how much the clock of each site's agent was wrong
    routed: dict[str, frozenset[str]] = field(default_factory=dict)  # the releases with a weight at each gateway
    gap_since: dict[str, Instant] = field(default_factory=dict)  # of each site whose counts have had a gap since
    failures: dict[str, BuildFailed] = field(default_factory=dict)  # the last one of each build key

    @property
    def is_thorough(self) -> bool:
        """Whether this look is at what lasts, too."""
        return self.looks % LASTING_LOOKS == 0

    async def see(self) -> None:
        """Look at everything once."""
        self.looks += 1
        engine = self.world.engine
        known = engine.stored if engine is not None else None
        self.stored = known if known is not None else await self.world.store.load()
        self.before, self.state = self.state, self.stored.services.get(self.world.service, self.state)
        self.failed = {}
        self._see_failures(CONTROL, self.world.troubles, bool(self.world.tap.hindrances))
        for site in self.world.sites.values():
            is_broken = site.is_forgetful or not site.disk.is_sound
            self._see_failures(site.name, site.ended, is_broken or bool(site.tap.hindrances))
            self._see_site(site)
        await self._see_what_is_stored()
        self.fresh, self.moved = (), ()
        if self.stored.generation != self.generation:
            self.fresh = await self.world.store.facts(FactQuery(after=self.number, limit=100_000))
        for fact in self.fresh:
            self._note(fact)
        for piece in self.stored.slices.values():
            for route in piece.routes:
                self.published[route.release] = max(self.published.get(route.release, 0), route.weight)

    async def _see_what_is_stored(self) -> None:
        """Whether a control plane that works, and whose store answers, still plans from what was true before."""
        world, engine = self.world, self.world.engine
        works = engine is not None and engine.stored is not None and not (world.is_frozen or engine.attempts.failures)
        if not works or any(verb.startswith("store.") for verb in world.tap.hindrances):
            self.behind = 0
        elif self.is_thorough:
            is_behind = self.stored.generation != (await world.store.load()).generation
            self.behind = self.behind + LASTING_LOOKS if is_behind else 0

    def _see_failures(self, name: str, words: Sequence[str], is_hindered: bool) -> None:
        """Whether a pass of the control plane failed or an agent ended by itself."""
        if is_hindered:
            self.hindered_at[name] = self.world.clock.now()
        if len(words) > self.failures_ever.get(name, len(words)):
            self.failed[name] = words[-1]
        self.failures_ever[name] = len(words)

    def _see_callers(self, site: SimulatedSite) -> None:
        """Who was turned away, and whether anything keeps the site from giving everybody an answer."""
        name, ever = site.name, site.traffic.turned_away
        self.turned_away[name] = ever - self.turned_away_ever.get(name, ever)
        self.turned_away_ever[name] = ever
        works = site.agent is not None and site.agent is self.agents.get(name) and not site.is_frozen
        is_hindered = any(verb.startswith(("replicas.", "traffic.")) for verb in site.tap.hindrances)
        works = works and site.disk.is_sound and not (is_hindered or site.is_forgetful)
        self.agents[name] = site.agent
        pieces = [piece for piece in site.traffic.wish.services if piece.service == self.world.service]
        called = {route.release for piece in pieces for route in piece.routes if route.weight > 0}
        if not (works and site.traffic.is_up and called and all(map(site.replicas.starts, called))):
            self.troubled_at[name] = self.world.clock.now()

    def _see_site(self, site: SimulatedSite) -> None:
        self._see_callers(site)
        if site.is_forgetful:  # what a disk lost that had called it durable, no site can know
            site.is_forgetful = False
            self.bans.pop(site.name, None)
            self.versions.pop(site.name, None)
            self.routed.pop(site.name, None)
            self.calm.pop(site.name, None)
            self.amnesic.add(site.name)
            self.journalled = {one for one in self.journalled if one[0] != site.name}
        if site.clock.skew_seconds < self.skews.get(site.name, 0.0) and not site.disk.is_sound:
            self.versions.pop(site.name, None)  # where nothing can be stored and the clock goes back, nothing tells it
        self.skews[site.name] = site.clock.skew_seconds
        is_hindered = bool(site.tap.hindrances or site.traffic.refused)
        self.calm[site.name] = 0 if is_hindered else self.calm.get(site.name, 0) + 1
        works = site.agent is not None and not site.is_frozen and "traffic.counts" not in site.tap.hindrances
        if site.traffic.gap and works:
            self.gap_since.setdefault(site.name, self.world.clock.now())
        else:
            self.gap_since.pop(site.name, None)

    def _note(self, fact: Fact) -> None:
        self.number = fact.number
        self.kinds[fact.kind] += 1
        body = fact.body
        if isinstance(body, kinds.RolloutStarted):
            self.rollouts[body.rollout] = LastStep(-1, "", fact.at, body.shares, body.champion)
        elif isinstance(body, (kinds.StepTaken, kinds.RolloutEnded)):
            before = self.rollouts.get(body.rollout)
            self.moved = (*self.moved, Moved(fact, before))
            if isinstance(body, kinds.StepTaken) and before is not None:
                self.rollouts[body.rollout] = LastStep(body.step, body.step_id, fact.at, before.shares, before.champion)
        mark = _MARKS.get(type(body))
        if mark is not None:
            self.once[f"{fact.kind} {mark(body)}"] += 1


_MARKS: dict[type, Callable[[Any], str]] = {
    kinds.ActAsked: lambda body: body.act,
    kinds.ActEnded: lambda body: body.act,
    kinds.BuildStarted: lambda body: body.job,
    kinds.GateStarted: lambda body: body.job,
    kinds.RolloutStarted: lambda body: body.rollout,
    kinds.RolloutEnded: lambda body: body.rollout,
    kinds.SiteActed: lambda body: f"{body.site}/{body.seq}",
}
