"""What one site must do and not do in the middle of a rollout, with the real control plane beside it."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import wraps

import pytest

from tests.sim.test_promises import rolling
from windlass.adapters.simulated import taps
from windlass.adapters.simulated.store import SimulatedSigner
from windlass.adapters.simulated.world import disk_full
from windlass.kernel.errors import Unavailable
from windlass.kernel.records import to_json
from windlass.ports.sites import SignedPlan
from windlass.sim.faults import NOT_CONFIRMED
from windlass.sim.promises import Witness
from windlass.sim.scripts import Script
from windlass.sim.sites import FOLDER
from windlass.sim.storms import SERVICE
from windlass.sim.world import World
from windlass.site.acts import Asked

V1, V2, V3 = (Script(name).release for name in ("v1", "v2", "v3"))
Story = Callable[[World, Witness], Coroutine[object, object, None]]


def while_v2_rolls(story: Story) -> Callable[[], None]:
    """Let a story happen where v1 is live and 5 % of the callers of three sites are sent to v2."""

    @wraps(story)
    def lived() -> None:
        async def live() -> None:
            world, witness = await rolling(Script("v2"))
            await pass_time(world, witness, 2)
            await story(world, witness)

        asyncio.run(live())

    del lived.__wrapped__  # pytest would ask for the story's arguments
    return lived


async def pass_time(world: World, witness: Witness, seconds: int) -> None:
    """Let time pass with every promise kept."""
    for _ in range(seconds):
        await world.tick()
        assert [] == await witness.look()


def shares(world: World) -> dict[str, int]:
    """What the first gateway gives each release, in hundredths of a per cent."""
    return {route.release: route.weight for piece in world.traffic.wish.services for route in piece.routes}


def laid_out(world: World) -> SignedPlan:
    """The plan that the control plane has for the first site."""
    assert world.engine is not None
    plan = world.engine.ports.sites.plan("local")
    assert plan is not None
    return plan


def with_weights(plan: SignedPlan, *weights: int) -> SignedPlan:
    """The next plan, in which the routes have other weights; its signature is that of the plan before."""
    payload = json.loads(plan.payload)
    payload["generation"] = plan.generation + 1
    for route, weight in zip(payload["services"][0]["routes"], weights, strict=True):
        route["weight"] = weight
    return replace(plan, generation=plan.generation + 1, payload=json.dumps(payload))


@while_v2_rolls
async def test_an_act_that_was_refused_changes_nothing(world: World, witness: Witness) -> None:
    """Who was told that an abort could not be stored finds the canary where it was."""
    world.disk.fault = disk_full
    assert world.agent is not None
    with pytest.raises(Unavailable):
        await world.agent.act(Asked("abort", SERVICE, "ann", "it lies"))
    await pass_time(world, witness, 3)
    assert {V1: 9_500, V2: 500} == shares(world)


@while_v2_rolls
async def test_a_pause_at_a_site_protects_nothing_that_is_banned(world: World, witness: Witness) -> None:
    """What a person paused at a site stays as it was, but for a release that was put into quarantine meanwhile."""
    assert world.agent is not None
    await world.agent.act(Asked("pause", SERVICE, "ann", "I want to look"))
    world.site.tap.hindrances["uplink.report"] = taps.fails("lost", "simulated")  # nobody hears of the pause
    await world.ask("abort", "it lies")
    await pass_time(world, witness, 3)
    assert V2 in witness.state.quarantine
    assert {V1: 10_000} == shares(world)


@while_v2_rolls
async def test_what_a_gateway_did_not_confirm_is_not_done(world: World, witness: Witness) -> None:
    """While a gateway does not confirm a way back the site does not report it as done, and tries until it is."""
    world.site.tap.hindrances["traffic.apply"] = taps.lies(NOT_CONFIRMED)
    await world.ask("abort", "it lies")
    for _ in range(4):
        await world.tick()
    assert world.agent is not None
    assert world.agent.status()["generation"] < laid_out(world).generation
    world.site.tap.hindrances.clear()
    await pass_time(world, witness, 2)
    assert {V1: 10_000} == shares(world)
    assert world.agent.status()["generation"] == laid_out(world).generation


@while_v2_rolls
async def test_what_a_gateway_refused_is_tried_again(world: World, witness: Witness) -> None:
    """A gateway that refuses a way back for some seconds carries it out within a minute of its trouble's end."""
    world.traffic.refused = frozenset({SERVICE})
    await world.ask("abort", "it lies")
    for _ in range(5):
        await world.tick()
    assert V2 in shares(world)
    world.traffic.refused = frozenset()
    for _ in range(60):
        await world.tick()
    assert {V1: 10_000} == shares(world)


@while_v2_rolls
async def test_a_signed_plan_with_wrong_shares_is_not_used(world: World, witness: Witness) -> None:
    """A plan whose shares do not sum to 100 is defective, whoever signed it: the routes stay as they are."""
    wrong = with_weights(laid_out(world), 9_000, 500)
    signed = replace(wrong, signature=SimulatedSigner().sign(wrong.payload.encode()))
    before = shares(world)
    world.site.tap.hindrances["uplink.fetch"] = taps.lies(signed)
    await pass_time(world, witness, 2)
    assert before == shares(world)
    assert world.agent is not None
    assert "do not sum" in world.agent.status()["stuck"][SERVICE]


@while_v2_rolls
async def test_a_late_message_of_an_ended_agent_is_not_heard(world: World, witness: Witness) -> None:
    """What an agent said before it was killed, and what arrives after its successor's words, is old."""
    assert world.engine is not None
    (old,) = [report for report, _ in world.engine.ports.sites.reports() if report.site == "local"]
    world.restart_agent()
    await pass_time(world, witness, 3)
    world.link.on_the_way.append((replace(old, seq=old.seq + 1), world.clock.now()))
    world.link.arrive()
    (heard,) = [report for report, _ in world.engine.ports.sites.reports() if report.site == "local"]
    assert heard.boot != old.boot


@while_v2_rolls
async def test_a_plan_on_the_disk_is_trusted_no_more_than_one_that_comes(world: World, witness: Witness) -> None:
    """A site that starts alone verifies what it stored: a plan that somebody changed is not used."""
    forged = with_weights(laid_out(world), 0, 10_000)
    world.link.is_cut = True
    world.disk.files[f"{FOLDER}/plan.json"] = json.dumps(to_json(forged)).encode()
    world.restart_agent()
    await pass_time(world, witness, 4)
    assert {V1: 10_000} == shares(world)  # the plan before it is whole
    assert world.agent is not None
    assert "signature" in world.agent.status()["stuck"]["plan"]


@while_v2_rolls
async def test_bad_plans_do_not_push_out_the_good_one(world: World, witness: Witness) -> None:
    """After any number of forged plans a site that starts alone goes on with the last good one."""
    before = shares(world)
    for extra in (1, 2, 3):
        forged = replace(laid_out(world), generation=laid_out(world).generation + extra)
        world.site.tap.hindrances["uplink.fetch"] = taps.lies(forged)
        await world.tick()
    world.site.tap.hindrances.clear()
    world.link.is_cut = True
    world.restart_agent()
    for _ in range(4):
        await world.tick()
    assert before == shares(world)


@while_v2_rolls
async def test_what_answers_is_kept_alive_until_the_next_is_ready(world: World, witness: Witness) -> None:
    """While the release that follows loads, a model server of the one that still answers is started again."""
    await world.ask("promote", "it is good", full=True)
    await pass_time(world, witness, 3)
    for site in world.sites.values():
        site.replicas.hold(V3)
    world.commit(Script("v3"))
    for _ in range(60):
        await world.tick()
    await world.ask("promote", "in a hurry", full=True)
    for _ in range(5):
        await world.tick()
    assert {V2: 10_000} == {release: weight for release, weight in shares(world).items() if weight}
    (name,) = [one.name for one in await world.replicas.look() if one.release == V2]
    world.replicas.crash(name)
    for _ in range(8):
        await world.tick()
    assert "ready" in world.replicas.states(V2)


@while_v2_rolls
async def test_an_abort_at_a_site_takes_the_candidate_off(world: World, witness: Witness) -> None:
    """With the control plane dead too the champion has everybody from that moment on, and the candidate nobody."""
    world.kill_control()
    assert world.agent is not None
    assert {V1: 9_500, V2: 500} == shares(world)
    await world.agent.act(Asked("abort", SERVICE, "ann", "it answers nonsense"))
    assert {V1: 10_000} == shares(world)
