"""A site on its own: days without control plane, store and Git, and plans that nobody should follow."""

import asyncio
import json
import logging
import random
from dataclasses import replace

import pytest

from windlass.adapters.simulated import taps
from windlass.adapters.simulated.replicas import SimulatedReplicas
from windlass.adapters.simulated.store import SimulatedSigner
from windlass.adapters.simulated.traffic import SimulatedTraffic
from windlass.kernel.instants import seconds_between
from windlass.ports.sites import SignedPlan
from windlass.sim.poison import poisoned_payload
from windlass.sim.scripts import Script
from windlass.sim.sites import FOLDER
from windlass.sim.storms import SERVICE, SPEC
from windlass.sim.world import REPOSITORY, World
from windlass.site.types import SiteSettings

HOURS = 72
PACE_SECONDS = 30.0
PLANS = 10_000
COLD_SECONDS_MAX = 2.0


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Ten thousand warnings are right, and nobody reads them."""
    caplog.set_level(logging.CRITICAL, logger="windlass")


async def live_world() -> World:
    """A world in which v1 serves and callers call."""
    world = World(7, SERVICE, SPEC)
    world.callers.rate = 20.0
    await world.begin_with(Script("v1"))
    for _ in range(60):
        await world.tick()
    assert (await world.state()).live
    return world


def weights(world: World) -> list[tuple[str, int]]:
    """What the gateway routes."""
    return [(route.role, route.weight) for piece in world.traffic.wish.services for route in piece.routes]


def test_a_site_answers_for_three_days_alone() -> None:
    """With control plane, store and Git gone for 72 hours no prediction fails although model servers crash and the
    agent is killed; the canary under way neither advances nor ends."""

    async def story() -> None:
        world = await live_world()
        world.commit(Script("v2"))
        while len(weights(world)) < 2:
            await world.tick()
        alone, sent, lost = weights(world), world.callers.sent, world.callers.lost
        world.kill_control()
        world.git.broken[REPOSITORY] = "gone"
        await world.store.close()
        for at in range(round(HOURS * 3600 / PACE_SECONDS)):
            if at % 120 == 40:
                world.replicas.crash(world.replicas.names()[at // 120 % 2])
            if at % 120 == 80:
                world.restart_agent()
            await world.tick(PACE_SECONDS)
            assert alone == weights(world)
        assert lost == world.callers.lost
        assert sent + 20 * HOURS * 3600 == world.callers.sent

    asyncio.run(story())


def test_no_plan_crashes_a_site() -> None:
    """Of 10,000 poisoned plans, half of them rightly signed, none crashes the agent: it keeps the last good one and
    says so, or the plan was harmless and is in force."""

    async def story() -> tuple[int, int]:
        world = await live_world()
        chance, signer, site = random.Random(1), SimulatedSigner(), world.site
        assert world.engine is not None and site.agent is not None
        laid_out = world.engine.ports.sites.plan("local")
        assert laid_out is not None
        good, refused, used = json.loads(laid_out.payload), 0, 0
        for number in range(PLANS):
            held = site.agent.status()["generation"]
            payload = poisoned_payload(json.dumps({**good, "generation": held + 1}), chance)
            signature = signer.sign(payload.encode()) if number % 2 else "00"
            plan = SignedPlan("local", held + 1, payload, signature)
            site.tap.hindrances["uplink.fetch"] = taps.lies(plan)
            await site.step()
            stuck = site.agent.status()["stuck"]
            is_used = site.agent.status()["generation"] > held
            used += is_used
            refused += bool(stuck)
            assert is_used or stuck, payload[:500]
            assert is_used <= number % 2
            if weights(world):
                assert 10_000 == sum(weight for _, weight in weights(world))
        return refused, used

    refused, used = asyncio.run(story())
    assert refused > PLANS / 2
    assert used > PLANS / 100


def test_an_unsigned_plan_is_never_used() -> None:
    """One bit of a plan changed, and the site keeps the plan it holds."""

    async def story() -> None:
        world = await live_world()
        before = weights(world)
        assert world.engine is not None and world.site.agent is not None
        laid_out = world.engine.ports.sites.plan("local")
        assert laid_out is not None
        forged = replace(
            laid_out, payload=laid_out.payload.replace("10000", "10001"), generation=laid_out.generation + 1
        )
        world.site.tap.hindrances["uplink.fetch"] = taps.lies(forged)
        await world.tick()
        assert before == weights(world)
        assert "signature" in world.site.agent.status()["stuck"]["plan"]

    asyncio.run(story())


@pytest.mark.parametrize("load_seconds", [0.0, 1.0, 20.0])
def test_a_site_alone_serves_soon_after_its_machine_starts(load_seconds: float) -> None:
    """With everything else dead and nothing but its disk, a site answers within two virtual seconds more than its model
    takes to load; then no request is lost, and it is the release that served before."""

    async def story() -> None:
        world = await live_world()
        before, site = weights(world), world.site
        live = (await world.state()).live
        world.kill_control()
        world.git.broken[REPOSITORY] = "gone"
        await world.store.close()
        site.kill()
        site.replicas = SimulatedReplicas(world.clock, load_seconds)  # the machine started anew: no process is left
        site.traffic = SimulatedTraffic(site.clock, 0, site.replicas.at, world.clock)
        site.start()
        began, known = world.clock.now(), world.callers.answered[live]
        while world.callers.answered[live] == known:
            await world.tick(SiteSettings(site.name, FOLDER).tick_seconds)
            assert seconds_between(began, world.clock.now()) <= COLD_SECONDS_MAX + load_seconds
        lost = world.callers.lost
        for _ in range(60):
            await world.tick()
        assert (before, lost, {live}) == (weights(world), world.callers.lost, set(world.callers.answered))

    asyncio.run(story())
