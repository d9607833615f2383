"""Those who wait for the same thing do not come back together: what fell over under all of them would fall again."""

import asyncio
import random
from itertools import pairwise

from windlass.sim.faults import KINDS
from windlass.sim.scripts import Script
from windlass.sim.storms import SERVICE, SITES, SPEC
from windlass.sim.world import World

TICK_SECONDS = 0.1


async def live_world(seed: int, sites: tuple[str, ...] = SITES[:1]) -> World:
    """A world in which v1 serves."""
    world = World(seed, SERVICE, SPEC, sites)
    await world.begin_with(Script("v1"))
    for _ in range(30):
        await world.tick()
    assert (await world.state()).live
    return world


async def instants(world: World, verb: str, seconds: float) -> list[float]:
    """When the control plane called a verb of a port, in seconds from now."""
    found = []
    for number in range(round(seconds / TICK_SECONDS)):
        before = world.tap.calls.get(verb, 0)
        await world.tick(TICK_SECONDS)
        if world.tap.calls.get(verb, 0) > before:
            found.append(number * TICK_SECONDS)
    return found


def test_replicas_that_crashed_together_start_apart() -> None:
    """Model servers that crash again and again on three machines are soon started at different moments."""

    async def story() -> dict[str, list[int]]:
        world = await live_world(1, SITES)
        for site in world.sites.values():
            for name in site.replicas.names():
                site.replicas.crash(name)
            site.replicas.break_release(Script("v1").release, "out of memory")
        starts: dict[str, list[int]] = {name: [] for name in world.sites}
        known = {name: len(site.replicas.calls) for name, site in world.sites.items()}
        for number in range(600):
            await world.tick(TICK_SECONDS)
            for name, site in world.sites.items():
                starts[name] += [number] * (len(site.replicas.calls) - known[name])
                known[name] = len(site.replicas.calls)
        return starts

    starts = asyncio.run(story())
    assert 3 == len({tuple(times) for times in starts.values()})
    assert all(len(times) > 3 for times in starts.values())


def test_control_planes_come_back_apart() -> None:
    """Two control planes whose stores fail in the same moment try again after different pauses, ever longer ones."""

    async def story(seed: int) -> list[float]:
        world = await live_world(seed)
        KINDS["store busy"].begin(world, random.Random(1))
        world.commit(Script("v2"))
        assert world.engine is not None
        world.engine.stored = None
        return await instants(world, "store.load", 60)

    first, second = ([b - a for a, b in pairwise(asyncio.run(story(seed)))] for seed in (1, 2))
    assert all(abs(one - other) > 2 * TICK_SECONDS for one, other in zip(first[2:], second[2:], strict=False))
    assert 4 < len(first) < 12


def test_watchers_of_one_repository_look_apart() -> None:
    """Two control planes that watch the same repository do not ask for its head in the same moments."""

    async def story(seed: int) -> list[float]:
        return await instants(await live_world(seed), "git.head", 30)

    first, second = asyncio.run(story(1)), asyncio.run(story(2))
    assert first != second
    assert 10 < len(first) < 20


def test_after_an_hour_of_failures_a_repair_is_noticed_soon() -> None:
    """However long a store and a model server failed, both are tried again within some minutes of their repair."""

    async def story() -> None:
        world = await live_world(1)
        end = KINDS["store busy"].begin(world, random.Random(1))
        assert world.engine is not None
        world.engine.stored = None
        world.replicas.break_release(Script("v1").release, "out of memory")
        for name in world.replicas.names():
            world.replicas.crash(name)
        for _ in range(1200):
            await world.tick(3.0)
        end()
        world.replicas.let(Script("v1").release)
        passes = world.engine.passes
        for _ in range(100):
            await world.tick()
        assert world.engine.passes > passes
        assert "ready" in world.replicas.states(Script("v1").release)

    asyncio.run(story())
