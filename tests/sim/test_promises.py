"""Each promise of the simulator can be broken: a world that breaks it is told so, in the words of the promise."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from windlass.adapters.sites import MailboxSites
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.ports.store import Change
from windlass.sim import promises
from windlass.sim.promises import PROMISES, Witness, sentence
from windlass.sim.rest import differences, is_settled, stale_plans, writes
from windlass.sim.scripts import Script
from windlass.sim.storms import SERVICE, SITES, SPEC
from windlass.sim.world import World

Breaker = Callable[[World, Witness], None]


async def rolling(candidate: Script) -> tuple[World, Witness]:
    """A world of three sites in which v1 is live and v2 has begun its rollout."""
    world = World(1, SERVICE, SPEC, SITES)
    witness = Witness(world)
    world.callers.rate = 60.0
    await world.begin_with(Script("v1"))
    await until(world, witness, lambda: witness.state.live != "" and witness.state.rollout is None)
    world.commit(candidate)
    await until(world, witness, lambda: any(len(piece.routes) > 1 for piece in world.traffic.wish.services))
    return world, witness


async def until(world: World, witness: Witness, is_so: Callable[[], bool]) -> None:
    """Let time pass until something is so; every promise holds meanwhile."""
    for _ in range(300):
        if is_so():
            return
        await world.tick()
        assert [] == await witness.look()
    raise AssertionError("it never came to that")


def reroute(world: World, *weights: int) -> None:
    """Give the routes of the first gateway other weights, as a defective gateway would."""
    (piece,) = world.traffic.wish.services
    routes = tuple(replace(route, weight=weight) for route, weight in zip(piece.routes, weights, strict=True))
    world.traffic.wish = replace(world.traffic.wish, services=(replace(piece, routes=routes),))


def wrong_sum(world: World, witness: Witness) -> None:
    reroute(world, 9_400, 500)


def beyond_the_plan(world: World, witness: Witness) -> None:
    reroute(world, 9_000, 1_000)


def banned_serves(world: World, witness: Witness) -> None:
    assert witness.state.rollout is not None
    release = witness.state.rollout.release
    entry = kinds.Quarantined(release, "", "a test")
    store(world, Fact(SERVICE, world.clock.now(), entry))
    witness.bans["local"] = {release}


def store(world: World, *facts: Fact) -> None:
    """Store facts behind the back of the control plane."""
    from windlass.engine.commit import fold_facts

    async def write() -> None:
        stored = await world.store.load()
        after = fold_facts(stored, facts)
        assert await world.store.commit(Change(stored.generation, facts, services=tuple(after.services.values())))

    coroutine = write()
    with pytest.raises(StopIteration):
        coroutine.send(None)  # the store in memory never waits
    if world.engine is not None:
        world.engine.stored = None


def plan_before_its_facts(world: World, witness: Witness) -> None:
    (piece,) = witness.stored.slices.values()
    ahead = replace(piece, routes=(replace(piece.routes[1], weight=10_000),))
    assert world.engine is not None
    world.engine.stored = replace(witness.stored, slices={SERVICE: ahead})


def facts_forgotten(world: World, witness: Witness) -> None:
    witness.asked.add("an act that was accepted and never stored")


def act_answered_twice(world: World, witness: Witness) -> None:
    ended = kinds.ActEnded("a-1", "pause", "done", "twice")
    store(world, Fact(SERVICE, world.clock.now(), ended), Fact(SERVICE, world.clock.now(), ended))


def advanced_unseen(world: World, witness: Witness) -> None:
    rollout = witness.state.rollout
    assert rollout is not None
    site = world.sites["north"]
    site.link.is_cut = True
    world.clock.advance(60.0)
    store(world, Fact(SERVICE, world.clock.now(), kinds.StepTaken(rollout.rollout, 1, "s9", 0.05, "a test")))


def promoted_unseen(world: World, witness: Witness) -> None:
    rollout = witness.state.rollout
    assert rollout is not None
    world.callers.answered.pop(rollout.release, None)
    store(
        world,
        Fact(SERVICE, world.clock.now(), kinds.RolloutEnded(rollout.rollout, rollout.release, "promoted", "a test")),
    )


def pass_fails(world: World, witness: Witness) -> None:
    world.troubles.append("no reason at all")


def agent_ends(world: World, witness: Witness) -> None:
    world.site.ended.append("no reason at all")


@pytest.mark.parametrize(
    ("promise", "breaker"),
    [
        (promises.shares_sum_to_100, wrong_sum),
        (promises.a_site_never_goes_beyond_its_plan, beyond_the_plan),
        (promises.shares_follow_from_facts, plan_before_its_facts),
        (promises.quarantine_holds, banned_serves),
        (promises.nothing_acknowledged_is_lost, facts_forgotten),
        (promises.side_effects_happen_once, act_answered_twice),
        (promises.a_stale_view_never_advances, advanced_unseen),
        (promises.no_traffic_is_no_success, promoted_unseen),
        (promises.nothing_fails_without_a_reason, pass_fails),
        (promises.nothing_fails_without_a_reason, agent_ends),
    ],
    ids=lambda one: one.__name__,
)
def test_a_broken_promise_is_told(promise: Callable[..., object], breaker: Breaker) -> None:
    """Who breaks a promise is told which, by its sentence."""

    async def story() -> list[str]:
        world, witness = await rolling(Script("v2"))
        breaker(world, witness)
        return await witness.look()

    broken = asyncio.run(story())
    assert [words for words in broken if words.startswith(sentence(promise))]


def test_a_share_that_no_gate_allowed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planner that takes unsure for a pass breaks the sentence on gates, though it contradicts nothing."""
    from windlass.delivery.rollouts import decide as rollouts
    from windlass.engine import planning

    lenient = rollouts.decide
    monkeypatch.setattr(rollouts, "decide", lambda view, now: lenient(replace(view, overridden=True), now))
    monkeypatch.setattr(planning, "contradictions", lambda before, made: ())

    async def story() -> list[str]:
        world = World(1, SERVICE, SPEC, SITES)
        witness = Witness(world)
        await world.begin_with(Script("v1", gate="unsure"))
        for _ in range(60):
            await world.tick()
            broken = await witness.look()
            if broken:
                return broken
        return []

    assert sentence(promises.only_a_pass_raises_a_share) in "".join(asyncio.run(story()))


def test_lost_generations_are_told() -> None:
    """A store that went back to an older state breaks the sentence on what was acknowledged."""

    async def story() -> list[str]:
        _, witness = await rolling(Script("v2"))
        witness.generation += 5
        return await witness.look()

    assert sentence(promises.nothing_acknowledged_is_lost) in "".join(asyncio.run(story()))


def test_late_reports_do_not_look_fresh() -> None:
    """A report that was long under way is as old as its counts; the next one of the same agent is fresh again."""
    from windlass.facts.counts import SiteReport
    from windlass.kernel.instants import Instant

    sites = MailboxSites()
    sites.accept(SiteReport("local", 1, 1, 1_000, boot="a"), Instant(51_010))
    sites.accept(SiteReport("local", 1, 2, 2_000, boot="a"), Instant(112_000))
    assert 52_071 == sites.reports()[0][1]  # made 1 s after the first, and a clock may drift by 61 ms meanwhile
    sites.accept(SiteReport("local", 1, 1, 9_000_000, boot="b"), Instant(113_000))
    sites.accept(SiteReport("local", 1, 3, 63_000, boot="a"), Instant(113_010))
    assert [("b", 113_000)] == [(report.boot, at) for report, at in sites.reports()]


def test_rest_is_no_write() -> None:
    """A settled system writes nothing, and its gateways do what the plan says; an unsettled one waits for something."""

    async def story() -> tuple[dict[str, int], list[str]]:
        world, _ = await rolling(Script("v2"))
        assert not await is_settled(world)
        world.callers.rate = 400.0
        for _ in range(400):
            await world.tick()
        assert await is_settled(world)
        before = writes(world)
        for _ in range(60):
            await world.tick()
        assert [] == differences(world)
        reroute(world, 10_000)
        world.traffic.wish = replace(world.traffic.wish, services=())
        return dict(writes(world) - before), differences(world)

    written, wrong = asyncio.run(story())
    assert {} == written
    assert 1 == len(wrong)


def test_every_promise_is_a_sentence() -> None:
    """Each promise says in words what it promises, and no two say the same."""
    sentences = [sentence(one) for one in PROMISES]
    assert len(PROMISES) == len(set(sentences))
    assert all(len(words.split()) > 5 for words in sentences)


def test_a_kept_plan_is_the_plan_of_now() -> None:
    """A service at rest whose plan was kept although another one would be made is found."""

    async def story() -> tuple[list[str], list[str]]:
        world, witness = await rolling(Script("v2"))
        await until(world, witness, lambda: witness.state.rollout is None)
        for _ in range(10):
            await world.tick()
        engine = world.engine
        assert engine is not None
        before = await stale_plans(world)
        engine.planning.plans[SERVICE] = replace(engine.planning.plans[SERVICE], slice=None)
        return before, await stale_plans(world)

    right, wrong = asyncio.run(story())
    assert [] == right
    assert 1 == len(wrong)


def test_a_service_at_rest_is_not_planned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand services at rest cost nothing: a pass keeps the plan of each until something about it changes."""
    from windlass.engine import planning

    async def story() -> int:
        world, witness = await rolling(Script("v2"))
        await until(world, witness, lambda: witness.state.rollout is None)
        for _ in range(10):
            await world.tick()
        made: list[str] = []
        monkeypatch.setattr(planning, "plan", lambda snapshot: made.append(snapshot.state.service))
        assert world.engine is not None
        before = world.engine.passes
        for _ in range(20):
            await world.tick()
        assert world.engine.passes > before
        return len(made)

    assert 0 == asyncio.run(story())
