"""Several sites: a canary moves at the pace of the one that knows least."""

import asyncio

from tests.sim.test_promises import until
from windlass.sim.promises import Witness
from windlass.sim.scripts import Script
from windlass.sim.storms import SERVICE, SITES, SPEC
from windlass.sim.world import World

V2 = Script("v2").release


async def live_world() -> tuple[World, Witness]:
    """Three sites at which v1 is live and many callers call."""
    world = World(1, SERVICE, SPEC, SITES)
    witness = Witness(world)
    world.callers.rate = 600.0
    await world.begin_with(Script("v1"))
    await until(world, witness, lambda: witness.state.live != "" and witness.state.rollout is None)
    await pass_time(world, witness, 20)
    return world, witness


async def pass_time(world: World, witness: Witness, seconds: int) -> int:
    """Let time pass with every promise kept; the step that the rollout has come to, -1 where none is under way."""
    for _ in range(seconds):
        await world.tick()
        assert [] == await witness.look()
    return witness.state.rollout.step if witness.state.rollout is not None else -1


def test_a_canary_waits_for_the_site_that_is_not_ready() -> None:
    """While one site has not started the candidate, two sites that show it safe move nothing; then it goes on."""

    async def story() -> None:
        world, witness = await live_world()
        world.sites["north"].replicas.hold(V2)
        world.commit(Script("v2"))
        await until(world, witness, lambda: witness.state.rollout is not None)
        assert 0 == await pass_time(world, witness, 60)
        world.sites["north"].replicas.let(V2)
        await until(world, witness, lambda: witness.state.live == V2)

    asyncio.run(story())


def test_a_canary_waits_for_the_site_that_was_not_heard_yet() -> None:
    """After a restart of the control plane two sites that show a canary safe move nothing until the third is heard."""

    async def story() -> None:
        world, witness = await live_world()
        world.commit(Script("v2"))
        await until(world, witness, lambda: witness.state.rollout is not None)
        await pass_time(world, witness, 3)
        world.kill_control()
        world.sites["north"].link.is_cut = True
        world.start_control()
        assert 0 == await pass_time(world, witness, 60)
        world.sites["north"].link.is_cut = False
        await until(world, witness, lambda: witness.state.live == V2)

    asyncio.run(story())


def test_a_canary_waits_where_lines_are_missing() -> None:
    """While one site has lost lines of its gateway's log, failures may be among them: whatever the others have counted,
    the step is not left until the lines are whole again."""

    async def story() -> None:
        world, witness = await live_world()
        world.commit(Script("v2"))
        await until(world, witness, lambda: witness.state.rollout is not None)
        world.sites["north"].traffic.gap = True
        assert 0 == await pass_time(world, witness, 120)
        world.sites["north"].traffic.gap = False
        await until(world, witness, lambda: witness.state.live == V2)

    asyncio.run(story())
