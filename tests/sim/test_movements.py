"""The promises on moves, people and sites can be broken: each world that breaks one is told so."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.sim.test_promises import rolling
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.state import ActState, FreezeState, QuarantineState
from windlass.kernel.instants import Instant, later
from windlass.ports.compute import JobSeen
from windlass.ports.replicas import ReplicaWanted
from windlass.ports.store import Change
from windlass.ports.traffic import Endpoints
from windlass.sim import movements, site_promises
from windlass.sim.promises import Witness, only_a_pass_raises_a_share
from windlass.sim.rest import idle, left_over, untold
from windlass.sim.scripts import Script
from windlass.sim.seen import LASTING_LOOKS, LastStep, Moved, Seen
from windlass.sim.storms import SERVICE
from windlass.sim.world import World

V1, V2 = Script("v1").release, Script("v2").release
SHARES = (0.05, 0.25, 0.5, 1.0)


def now(seen: Seen) -> Instant:
    return seen.world.clock.now()


def moved(seen: Seen, body: Any, step: int = 0, ago: float = 60.0) -> None:
    """A fact moved traffic by itself, so many seconds after the step before."""
    before = LastStep(step, f"s{seen.state.steps_count}", later(now(seen), seconds=-ago), SHARES, V1)
    fact = Fact(SERVICE, now(seen), body)
    seen.fresh, seen.moved = (fact,), (Moved(fact, before),)


def step(number: int) -> kinds.StepTaken:
    return kinds.StepTaken("r9", number, "s9", 0.25, "a test")


def promotion(release: str = V2) -> kinds.RolloutEnded:
    return kinds.RolloutEnded("r9", release, "promoted", "a test")


def two_steps(seen: Seen) -> None:
    moved(seen, step(2))


def promoted_from_the_first_step(seen: Seen) -> None:
    moved(seen, promotion())


def no_soak(seen: Seen) -> None:
    moved(seen, step(1), ago=5.0)


def frozen(seen: Seen) -> None:
    moved(seen, step(1))
    seen.before = replace(seen.before, freeze=FreezeState("ann", "", None, now(seen)))


def frozen_and_promoted(seen: Seen) -> None:
    moved(seen, promotion())
    seen.fresh = (Fact(SERVICE, now(seen), kinds.Frozen("ann", "")), *seen.fresh)


def paused(seen: Seen) -> None:
    moved(seen, step(1))
    seen.fresh = (Fact(SERVICE, now(seen), kinds.Paused("r9", "ann", "")), *seen.fresh)


def gap(seen: Seen) -> None:
    moved(seen, step(1))
    seen.gap_since["north"] = later(now(seen), seconds=-30)


def other_champion(seen: Seen) -> None:
    seen.fresh = (Fact(SERVICE, now(seen), kinds.RolloutStarted("r9", V2, "", "blake3:other", SHARES, "a test")),)


def bad_promoted(seen: Seen) -> None:
    moved(seen, promotion(), step=2)
    for commit, script in seen.world.scripts.by_commit.items():
        if script.release == V2:
            seen.world.scripts.add(commit, replace(script, bad=0.2))


def slow_promoted(seen: Seen) -> None:
    moved(seen, promotion(), step=2)
    for commit, script in seen.world.scripts.by_commit.items():
        if script.release == V2:
            seen.world.scripts.add(commit, replace(script, milliseconds=80.0))


def back_and_free(seen: Seen) -> None:
    moved(seen, replace(promotion(), outcome="rolled_back"))


def entry(release: str) -> QuarantineState:
    return QuarantineState(release, "", "a test", "ann", Instant(1))


def quarantine_forgotten(seen: Seen) -> None:
    seen.before = replace(seen.before, quarantine={V2: entry(V2)})


def lifted_in_vain(seen: Seen) -> None:
    seen.state = replace(seen.state, quarantine={V2: entry(V2)})
    seen.fresh = (Fact(SERVICE, now(seen), kinds.QuarantineLifted(V2, "ann", "")),)


def retried_in_vain(seen: Seen) -> None:
    act = ActState("a-9", "retry", "ann", "", {"release": V2.partition(":")[2][:12]}, now(seen))
    seen.before = replace(seen.before, acts=(act,), quarantine={V2: entry(V2)})
    seen.state = replace(seen.state, quarantine={V2: entry(V2)})
    seen.fresh = (Fact(SERVICE, now(seen), kinds.ActEnded("a-9", "retry", "done", "")),)


def rollback_without_a_freeze(seen: Seen) -> None:
    seen.fresh = (Fact(SERVICE, now(seen), kinds.ActEnded("a-9", "rollback", "done", "")),)


def ban_not_told(seen: Seen) -> None:
    seen.state = replace(seen.state, quarantine={"blake3:bad": entry("blake3:bad")})


def no_way_back(seen: Seen) -> None:
    piece = replace(seen.stored.slices[SERVICE], way_back="")
    seen.stored = replace(seen.stored, slices={SERVICE: piece})


def contradiction(seen: Seen) -> None:
    assert seen.world.engine is not None
    seen.world.engine.planning.contradictions[SERVICE] = ("the weights sum to 9,000",)


def build(commit: str, attempt: int = 1) -> Fact:
    return Fact(SERVICE, Instant(1), kinds.BuildStarted(commit, "key", f"job-{attempt}", attempt))


def behind(seen: Seen) -> None:
    seen.behind = 11


def user_failure_again(seen: Seen) -> None:
    failed = Fact(SERVICE, Instant(1), kinds.BuildFailed("c", "key", "user", "exit code 1", "", 1))
    seen.fresh = (failed, build("c", 2))


def a_fourth_time(seen: Seen) -> None:
    seen.fresh = (build("c", 4),)


def not_on_the_disk(seen: Seen) -> None:
    seen.journalled.add(("north", 3))


def adopted_though_refused(seen: Seen) -> None:
    seen.watches_sites = True
    seen.fresh = (Fact(SERVICE, now(seen), kinds.SiteActed("north", 1, "pause", "", "", "ann", "")),)


def left_and_still_called(seen: Seen) -> None:
    seen.calm["local"] = 9
    seen.left.add(("local", V2))


def plan_not_on_the_disk(seen: Seen) -> None:
    files = seen.world.disk.files
    seen.calm["local"], seen.looks = 9, LASTING_LOOKS
    files["/site/plan.json"] = json.dumps({"generation": 1}).encode()
    files["/site/plan.previous.json"] = b"damaged"


def older_wish(seen: Seen) -> None:
    seen.versions["local"] = (9_999, 1)


def called_too_early(seen: Seen) -> None:
    seen.calm["local"], seen.routed["local"] = 9, frozenset({V1})
    for name in seen.world.replicas.names():
        seen.world.replicas.crash(name)


def ended_too_early(seen: Seen) -> None:
    seen.calm["local"] = 9
    at_once(seen.world.replicas.start(ReplicaWanted("spare", SERVICE, V1, 0, 1.0)))
    at_once(seen.world.replicas.stop("spare", 1.0))
    wish = seen.world.traffic.wish
    seen.world.traffic.wish = replace(wish, endpoints=(Endpoints(SERVICE, V1, ("/r/spare",)),))


def at_once(coroutine: Any) -> None:
    """Run a coroutine of the simulator that never waits."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


def one_site_behind(seen: Seen) -> None:
    moved(seen, step(1))
    seen.calm["local"] = 9
    (piece,) = seen.world.traffic.wish.services
    seen.world.traffic.wish = replace(seen.world.traffic.wish, services=(replace(piece, step_id="s0"),))


def spoken_in_vain(seen: Seen) -> None:
    seen.world.link.delivered = ("another process", 3)


def live_without_a_pass(seen: Seen) -> None:
    record = replace(seen.state.releases[V2], verdict="fail")
    seen.state = replace(seen.state, live=V2, releases={**seen.state.releases, V2: record})


Promise = Callable[[Seen], Iterator[str]]


@pytest.mark.parametrize(
    ("promise", "breaker"),
    [
        (movements.a_canary_goes_step_by_step, two_steps),
        (movements.a_canary_goes_step_by_step, promoted_from_the_first_step),
        (movements.every_step_soaks, no_soak),
        (movements.nothing_moves_while_it_is_stopped, frozen),
        (movements.nothing_moves_while_it_is_stopped, frozen_and_promoted),
        (movements.nothing_moves_while_it_is_stopped, paused),
        (movements.counts_with_a_gap_never_advance, gap),
        (movements.a_verdict_counts_against_its_champion, other_champion),
        (movements.a_bad_release_is_never_promoted, bad_promoted),
        (movements.a_bad_release_is_never_promoted, slow_promoted),
        (movements.what_goes_back_is_quarantined, back_and_free),
        (movements.only_a_person_lifts_a_quarantine, quarantine_forgotten),
        (movements.only_a_person_lifts_a_quarantine, lifted_in_vain),
        (movements.only_a_person_lifts_a_quarantine, retried_in_vain),
        (movements.a_rollback_freezes, rollback_without_a_freeze),
        (movements.a_plan_knows_what_is_banned_and_the_way_back, ban_not_told),
        (movements.a_plan_knows_what_is_banned_and_the_way_back, no_way_back),
        (movements.a_plan_never_contradicts_itself, contradiction),
        (movements.a_pass_begins_from_what_is_stored, behind),
        (movements.a_failed_build_is_not_tried_for_ever, user_failure_again),
        (movements.a_failed_build_is_not_tried_for_ever, a_fourth_time),
        (site_promises.an_acknowledged_act_is_on_the_disk, not_on_the_disk),
        (site_promises.what_was_refused_has_no_effect, adopted_though_refused),
        (site_promises.an_act_at_a_site_takes_effect_at_once, left_and_still_called),
        (site_promises.what_a_site_follows_is_on_its_disk, plan_not_on_the_disk),
        (site_promises.a_gateway_never_goes_back_in_time, older_wish),
        (site_promises.only_the_ready_get_callers, called_too_early),
        (site_promises.a_replica_ends_after_its_callers_left, ended_too_early),
        (site_promises.a_canary_waits_for_every_site, one_site_behind),
        (site_promises.a_site_that_speaks_is_heard, spoken_in_vain),
        (only_a_pass_raises_a_share, live_without_a_pass),
    ],
    ids=lambda one: one.__name__,
)
def test_a_broken_promise_is_told(promise: Promise, breaker: Callable[[Seen], None]) -> None:
    """Who breaks a promise is told so; who does not is told nothing."""

    async def story() -> tuple[list[str], list[str]]:
        _, witness = await rolling(Script("v2"))
        before = list(promise(witness))
        breaker(witness)
        return before, list(promise(witness))

    before, broken = asyncio.run(story())
    assert [] == before
    assert broken


async def at_rest() -> tuple[World, Witness]:
    """A world in which v2 was promoted and nothing moves any more."""
    world, witness = await rolling(Script("v2"))
    world.callers.rate = 400.0
    for _ in range(90):
        await world.tick()
        assert [] == await witness.look()
    assert V2 == witness.state.live
    return world, witness


def test_what_is_left_over_is_told() -> None:
    """At rest no job is left, nothing that passed waits, and the facts lead to what is true; else it is told."""

    async def story() -> None:
        world, witness = await at_rest()
        assert ([], [], []) == (left_over(world), await idle(world), await untold(world))
        world.compute.ended["job-9"] = JobSeen("job-9", "build", SERVICE, "done", Instant(1))
        assert 1 == len(left_over(world))
        passed = replace(witness.state.releases[V2], release="blake3:new", fate="", made_at=now(witness))
        state = replace(witness.state, wanted=None, releases={**witness.state.releases, "blake3:new": passed})
        assert world.engine is not None
        world.engine.stored = replace(witness.stored, services={SERVICE: state})
        assert 1 == len(await idle(world))
        ended = replace(passed, gate_cancelled_by="ann")  # the judgement against the newest champion
        state = replace(state, releases={**state.releases, "blake3:new": ended})
        world.engine.stored = replace(witness.stored, services={SERVICE: state})
        assert [] == await idle(world)

    asyncio.run(story())


def test_harm_that_stays_is_told() -> None:
    """A release that fails and still has a share when all is at rest is told."""

    async def story() -> list[str]:
        world, _ = await rolling(Script("v2"))
        for commit, script in world.scripts.by_commit.items():
            if script.release == V2:
                world.scripts.add(commit, replace(script, bad=0.2))
        return await idle(world)

    assert 1 == len(asyncio.run(story()))


def test_a_state_that_no_fact_explains_is_told() -> None:
    """What is stored as true and follows from no fact is told, with its name."""

    async def story() -> list[str]:
        world, _ = await at_rest()
        stored = await world.store.load()
        other = replace(stored.services[SERVICE], fresh_env="a key that nobody named")
        assert await world.store.commit(Change(stored.generation, services=(other,)))
        return await untold(world)

    (words,) = asyncio.run(story())
    assert f"fresh_env of {SERVICE}" in words
