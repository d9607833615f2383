"""The promises: sentences that must be true after every tick, whatever was drawn.

Each is a function whose docstring is the sentence; it gives what breaks it now. A witness remembers what a promise
needs from earlier ticks, and reads only what anybody could see: stored facts, gateways, callers.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.state import ServiceState
from windlass.kernel.digests import short
from windlass.kernel.instants import Instant, seconds_between
from windlass.ports.store import FactQuery, Stored
from windlass.sim.sites import SimulatedSite
from windlass.sim.world import World

WEIGHTS = 10_000
FRESH_SECONDS_MAX = 17.0  # fifteen that a rollout may trust, and the ticks of site and control plane
AUTHOR = "windlass"  # who moves traffic where no person does


@dataclass(slots=True)
class Witness:
    """What was seen of one world so far, and what is new since the last look."""

    world: World
    before: ServiceState = field(default_factory=lambda: ServiceState(""))
    state: ServiceState = field(default_factory=lambda: ServiceState(""))
    stored: Stored = field(default_factory=Stored)
    fresh: tuple[Fact, ...] = ()  # facts of the last tick
    number: int = 0  # of the last fact
    generation: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    once: Counter[str] = field(default_factory=Counter)
    asked: set[str] = field(default_factory=set)  # acts that were acknowledged
    journalled: set[tuple[str, int]] = field(default_factory=set)  # entries that a site acknowledged
    champions: dict[str, str] = field(default_factory=dict)  # by rollout
    published: dict[str, int] = field(default_factory=dict)  # the highest weight that a release was ever given
    bans: dict[str, set[str]] = field(default_factory=dict)  # what each gateway was told never to serve

    async def look(self) -> list[str]:
        """Which sentences are not true after this tick, each with what breaks it."""
        await self._see()
        return [f"{sentence(one)}: {words}" for one in PROMISES for words in one(self)]

    async def _see(self) -> None:
        engine = self.world.engine
        known = engine.stored if engine is not None else None
        self.stored = known if known is not None else await self.world.store.load()
        self.before, self.state = self.state, self.stored.services.get(self.world.service, self.state)
        for site in self.world.sites.values():
            if site.is_forgetful:  # what a disk lost that had called it durable, no site can know
                site.is_forgetful = False
                self.bans.pop(site.name, None)
                self.journalled = {one for one in self.journalled if one[0] != site.name}
        self.fresh = ()
        if self.stored.generation != self.generation:
            self.fresh = await self.world.store.facts(FactQuery(after=self.number, limit=100_000))
        for fact in self.fresh:
            self._note(fact)
        for piece in self.stored.slices.values():
            for route in piece.routes:
                self.published[route.release] = max(self.published.get(route.release, 0), route.weight)

    def _note(self, fact: Fact) -> None:
        self.number = fact.number
        self.kinds[fact.kind] += 1
        body = fact.body
        if isinstance(body, kinds.RolloutStarted):
            self.champions[body.rollout] = body.champion
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


def sentence(promise: Callable[..., Any]) -> str:
    """The promise in words."""
    return (inspect.getdoc(promise) or "").partition(".")[0]


def shares_sum_to_100(seen: Witness) -> Iterator[str]:
    """The traffic shares of a service sum to 100, at every gateway and in the target plan."""
    wishes = [(site.name, piece) for site in seen.world.sites.values() for piece in site.traffic.wish.services]
    for where, piece in [*wishes, *(("plan", piece) for piece in seen.stored.slices.values())]:
        weights = [route.weight for route in piece.routes]
        if sum(weights) != WEIGHTS or min(weights) < 0:
            yield f"{where}: {[weight / 100 for weight in weights]}"


def only_a_pass_raises_a_share(seen: Witness) -> Iterator[str]:
    """A gate that failed or is unsure never raises a share."""
    rollout, was = seen.state.rollout, seen.before.rollout
    if rollout is None:
        return
    share = was.share if was is not None and was.rollout == rollout.rollout else 0.0
    record = seen.state.releases[rollout.release]
    if rollout.share > share and record.verdict != "pass" and not record.overridden:
        yield f"{short(rollout.release)} got {rollout.share:.0%} with the verdict {record.verdict or 'none'}"


def quarantine_holds(seen: Witness) -> Iterator[str]:
    """A quarantined digest never serves, once a site knows of it, until a person lifts it."""
    for piece in seen.stored.slices.values():
        for route in piece.routes:
            if route.release in seen.state.quarantine:
                yield f"the plan gives {short(route.release)} a share"
    for site in seen.world.sites.values():
        yield from _banned_at(site, seen)


def _banned_at(site: SimulatedSite, seen: Witness) -> Iterator[str]:
    bans = seen.bans.setdefault(site.name, set())
    for piece in site.traffic.wish.services:
        if piece.service == seen.world.service:
            bans |= set(piece.banned)
    bans &= set(seen.state.quarantine)
    for piece in site.traffic.wish.services:
        for route in piece.routes:
            if route.weight > 0 and route.release in bans:
                yield f"{site.name} serves {short(route.release)}"


def nothing_acknowledged_is_lost(seen: Witness) -> Iterator[str]:
    """Nothing acknowledged is lost: facts only grow, and every act that was accepted is one of them."""
    if seen.stored.generation < seen.generation:
        yield f"generation {seen.generation} before, {seen.stored.generation} now"
    seen.generation = seen.stored.generation
    if seen.state.generation < seen.before.generation:
        yield f"{seen.before.generation} facts before, {seen.state.generation} now"
    for act in sorted(seen.asked):
        if not seen.once[f"ActAsked {act}"]:
            yield f"the act {act} is nowhere"


def side_effects_happen_once(seen: Witness) -> Iterator[str]:
    """Side effects happen once: a job, an act, an entry of a journal, a rollout."""
    twice = [name for name, count in seen.once.items() if count > 1] if seen.fresh else []
    started = Counter(seen.world.compute.starts)
    twice += [f"start of {job}" for job, count in started.items() if count > 1]
    for name in twice:
        yield f"{name} happened more than once"


def a_stale_view_never_advances(seen: Witness) -> Iterator[str]:
    """A stale view never advances a canary: every site was counted within the last seconds."""
    for fact in seen.fresh:
        body = fact.body
        is_step = isinstance(body, kinds.StepTaken) and body.step > 0
        is_end = isinstance(body, kinds.RolloutEnded) and body.outcome == "promoted"
        if not (is_step or is_end) or body.who != AUTHOR or not seen.champions.get(body.rollout):
            continue
        for site in seen.world.sites.values():
            age = seconds_between(site.link.counted_at, _true_instant(fact.at, seen.world))
            if age > FRESH_SECONDS_MAX:
                yield f"{body.rollout} moved on although {site.name} was last counted {age:.0f} s before"


def _true_instant(at: Instant, world: World) -> Instant:
    """When it really was that the control plane of now read this instant."""
    if world.engine is None:
        return at
    return Instant(at - (world.engine.ports.clock.now() - world.clock.now()))


def no_traffic_is_no_success(seen: Witness) -> Iterator[str]:
    """No traffic is never success: a canary that nobody called is not promoted."""
    for fact in seen.fresh:
        body = fact.body
        is_promotion = isinstance(body, kinds.RolloutEnded) and body.outcome == "promoted" and body.who == AUTHOR
        if is_promotion and seen.champions.get(body.rollout) and not seen.world.callers.answered.get(body.release):
            yield f"{short(body.release)} was promoted"


def a_site_never_goes_beyond_its_plan(seen: Witness) -> Iterator[str]:
    """A site alone never advances a canary: no gateway gives it more than a plan ever did."""
    for site in seen.world.sites.values():
        for piece in site.traffic.wish.services:
            for route in piece.routes:
                if route.role == "candidate" and route.weight > seen.published.get(route.release, 0):
                    yield f"{site.name} gives {short(route.release)} {route.weight / 100:g} %"


PROMISES: tuple[Callable[[Witness], Iterator[str]], ...] = (
    shares_sum_to_100,
    only_a_pass_raises_a_share,
    quarantine_holds,
    nothing_acknowledged_is_lost,
    side_effects_happen_once,
    a_stale_view_never_advances,
    no_traffic_is_no_success,
    a_site_never_goes_beyond_its_plan,
)
