"""The promises: sentences that must be true after every tick, whatever was drawn.

Each is a function whose docstring is the sentence; it gives what breaks it now. They read what a witness has seen
(`seen.py`); those about the moves of a rollout and about people's acts stand in `movements.py`, those about one site in
`site_promises.py`.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from windlass.facts import types as kinds
from windlass.kernel.digests import short
from windlass.kernel.instants import NEVER, Instant, seconds_between
from windlass.sim import movements, site_promises
from windlass.sim.seen import Seen
from windlass.sim.sites import SimulatedSite
from windlass.sim.world import World

WEIGHTS = 10_000
NOTICE_SECONDS_MAX = 5.0  # after a port answers rightly again
FRESH_SECONDS_MAX = 17.0  # fifteen that a rollout may trust, and the ticks of site and control plane


class Witness(Seen):
    """Who looks at one world after every tick."""

    async def look(self) -> list[str]:
        """Which sentences are not true after this tick, each with what breaks it."""
        await self.see()
        return [f"{sentence(one)}: {words}" for one in PROMISES for words in one(self)]


def sentence(promise: Callable[..., Any]) -> str:
    """The promise in words."""
    return (inspect.getdoc(promise) or "").partition(".")[0]


def shares_sum_to_100(seen: Seen) -> Iterator[str]:
    """The traffic shares of a service sum to 100, at every gateway and in the target plan."""
    wishes = [(site.name, piece) for site in seen.world.sites.values() for piece in site.traffic.wish.services]
    for where, piece in [*wishes, *(("plan", piece) for piece in seen.stored.slices.values())]:
        weights = [route.weight for route in piece.routes]
        if sum(weights) != WEIGHTS or min(weights) < 0:
            yield f"{where}: {[weight / 100 for weight in weights]}"


def shares_follow_from_facts(seen: Seen) -> Iterator[str]:
    """Every share of the target plan follows from the stored facts, which are stored before it or with it."""
    piece, rollout = seen.stored.slices.get(seen.world.service), seen.state.rollout
    if piece is None:
        return
    share = round(rollout.share * WEIGHTS) if rollout is not None else 0
    told = {seen.state.live: WEIGHTS - share} | ({rollout.release: share} if rollout is not None else {})
    found = {route.release: route.weight for route in piece.routes}
    if found != {release: weight for release, weight in told.items() if weight}:
        yield f"{[weight / 100 for weight in found.values()]} in the plan, {rollout.share if rollout else 1.0:.0%} told"


def only_a_pass_raises_a_share(seen: Seen) -> Iterator[str]:
    """A gate that failed or is unsure never raises a share."""
    yield from _live_unjudged(seen)
    rollout, was = seen.state.rollout, seen.before.rollout
    if rollout is None:
        return
    share = was.share if was is not None and was.rollout == rollout.rollout else 0.0
    record = seen.state.releases[rollout.release]
    if rollout.share > share and record.verdict != "pass" and not record.overridden:
        yield f"{short(rollout.release)} got {rollout.share:.0%} with the verdict {record.verdict or 'none'}"


def _live_unjudged(seen: Seen) -> Iterator[str]:
    live, record = seen.state.live, seen.state.releases.get(seen.state.live)
    is_new = record is not None and live not in seen.lives
    seen.lives.add(live)
    if record is not None and is_new and record.verdict != "pass" and not record.overridden:
        yield f"{short(live)} is live with the verdict {record.verdict or 'none'}"


def quarantine_holds(seen: Seen) -> Iterator[str]:
    """A quarantined digest never serves, once a site knows of it, until a person lifts it."""
    for piece in seen.stored.slices.values():
        for route in piece.routes:
            if route.release in seen.state.quarantine:
                yield f"the plan gives {short(route.release)} a share"
    for site in seen.world.sites.values():
        yield from _banned_at(site, seen)


def _banned_at(site: SimulatedSite, seen: Seen) -> Iterator[str]:
    bans = seen.bans.setdefault(site.name, set())
    for piece in site.traffic.wish.services:
        if piece.service == seen.world.service:
            bans |= set(piece.banned)
    bans &= set(seen.state.quarantine)
    for piece in site.traffic.wish.services:
        for route in piece.routes:
            if route.weight > 0 and route.release in bans:
                yield f"{site.name} serves {short(route.release)}"


def nothing_acknowledged_is_lost(seen: Seen) -> Iterator[str]:
    """Nothing acknowledged is lost: facts only grow, and every act that was accepted is one of them."""
    if seen.stored.generation < seen.generation:
        yield f"generation {seen.generation} before, {seen.stored.generation} now"
    seen.generation = seen.stored.generation
    if seen.state.generation < seen.before.generation:
        yield f"{seen.before.generation} facts before, {seen.state.generation} now"
    for act in sorted(seen.asked):
        if not seen.once[f"ActAsked {act}"]:
            yield f"the act {act} is nowhere"


def side_effects_happen_once(seen: Seen) -> Iterator[str]:
    """Side effects happen once: a job, an act, an entry of a journal, a rollout."""
    twice = [name for name, count in seen.once.items() if count > 1] if seen.fresh else []
    starts = seen.world.compute.starts
    if len(set(starts)) < len(starts):
        twice += [f"start of {job}" for job, count in Counter(starts).items() if count > 1]
    for name in twice:
        yield f"{name} happened more than once"


def a_stale_view_never_advances(seen: Seen) -> Iterator[str]:
    """A stale view never advances a canary: every site was counted within the last seconds."""
    for fact in (moved.fact for moved in seen.moved if moved.advances):
        for site in seen.world.sites.values():
            age = seconds_between(site.link.counted_at, _true_instant(fact.at, seen.world))
            if age > FRESH_SECONDS_MAX:
                yield f"{fact.body.rollout} moved on although {site.name} was last counted {age:.0f} s before"


def _true_instant(at: Instant, world: World) -> Instant:
    """When it really was that the control plane of now read this instant."""
    if world.engine is None:
        return at
    return Instant(at - (world.engine.ports.clock.now() - world.clock.now()))


def no_traffic_is_no_success(seen: Seen) -> Iterator[str]:
    """No traffic is never success: a canary that nobody called is not promoted."""
    for body in (moved.fact.body for moved in seen.moved if moved.advances):
        if isinstance(body, kinds.RolloutEnded) and not seen.world.callers.answered.get(body.release):
            yield f"{short(body.release)} was promoted"


def a_site_never_goes_beyond_its_plan(seen: Seen) -> Iterator[str]:
    """A site alone never advances a canary: no gateway gives it more than a plan ever did."""
    for site in seen.world.sites.values():
        for piece in site.traffic.wish.services:
            for route in piece.routes:
                if route.role == "candidate" and route.weight > seen.published.get(route.release, 0):
                    yield f"{site.name} gives {short(route.release)} {route.weight / 100:g} %"


def nothing_fails_without_a_reason(seen: Seen) -> Iterator[str]:
    """A pass of the control plane fails, and an agent ends by itself, only where a port answers falsely."""
    now = seen.world.clock.now()
    for name, words in sorted(seen.failed.items()):
        since = seconds_between(seen.hindered_at.get(name, NEVER), now)
        if since > NOTICE_SECONDS_MAX:
            yield f"{name} failed: {words}"


PROMISES: tuple[Callable[[Seen], Iterator[str]], ...] = (
    shares_sum_to_100,
    shares_follow_from_facts,
    only_a_pass_raises_a_share,
    quarantine_holds,
    nothing_acknowledged_is_lost,
    side_effects_happen_once,
    a_stale_view_never_advances,
    no_traffic_is_no_success,
    a_site_never_goes_beyond_its_plan,
    nothing_fails_without_a_reason,
    *movements.PROMISES,
    *site_promises.PROMISES,
)
