"""What callers meet where model servers die: they wait at the socket, go to another one, or are turned away."""

import asyncio
from collections.abc import Callable

from windlass.sim import site_promises
from windlass.sim.promises import Witness, sentence
from windlass.sim.scripts import Script
from windlass.sim.storms import SERVICE, SPEC
from windlass.sim.world import World

RATE = 20


async def live_world() -> World:
    """A world in which v1 serves with one replica, and callers call."""
    world = World(7, SERVICE, SPEC)
    world.callers.rate = float(RATE)
    await world.begin_with(Script("v1"))
    for _ in range(90):
        await world.tick()
    assert (await world.state()).live
    return world


def crash(world: World) -> None:
    """Every model server of the first site dies."""
    for name in world.replicas.names():
        world.replicas.crash(name)


def lost_after(breakage: Callable[[World], None], seconds: int) -> tuple[int, World]:
    """How many callers are lost within so many seconds after something has broken."""

    async def story() -> tuple[int, World]:
        world = await live_world()
        before = world.callers.lost
        breakage(world)
        for _ in range(seconds):
            await world.tick()
        return world.callers.lost - before, world

    return asyncio.run(story())


def test_callers_wait_for_the_next_replica() -> None:
    """All replicas die and their successors start: callers wait at the socket, and nobody is lost or counted as
    failed."""
    lost, world = lost_after(crash, 20)
    assert 0 == lost
    (sums,) = world.traffic.answered.values()
    assert 0 < sums.requests
    assert world.callers.sent - world.callers.lost == sums.requests
    assert 0 == sums.failed


def test_callers_wait_no_longer_than_their_time_out() -> None:
    """A release whose replicas do not come back fails each caller after the service's time-out, and is told so."""

    def breakage(world: World) -> None:
        world.replicas.hold(Script("v1").release)
        crash(world)

    lost, world = lost_after(breakage, 30)
    (sums,) = world.traffic.answered.values()
    assert 20 * RATE == lost == sums.failed  # those of the last ten seconds wait


def test_where_the_agent_is_dead_nobody_waits() -> None:
    """A dead agent holds no sockets: the gateway finds nobody and says so at once."""

    def breakage(world: World) -> None:
        world.site.kill()
        crash(world)

    lost, world = lost_after(breakage, 5)
    assert 5 * RATE == lost
    (sums,) = world.traffic.answered.values()
    assert 5 * RATE == sums.failed == sums.retried


def test_a_gateway_that_dies_loses_those_who_wait() -> None:
    """Who waits behind a gateway is lost with it."""

    def breakage(world: World) -> None:
        world.replicas.hold(Script("v1").release)
        crash(world)

    async def story() -> int:
        world = await live_world()
        before = world.callers.lost
        breakage(world)
        for _ in range(3):
            await world.tick()
        assert before == world.callers.lost
        world.traffic.is_up = False
        await world.tick()
        return world.callers.lost - before

    assert 4 * RATE == asyncio.run(story())


def test_who_is_turned_away_is_told() -> None:
    """An agent that works and does not start what died breaks the promise to callers."""

    async def story() -> list[str]:
        world = await live_world()
        witness = Witness(world)

        async def forgets(wanted: object) -> None:
            """The order is lost."""

        for _ in range(10):
            await world.tick()
            assert [] == await witness.look()
        world.replicas.start = forgets  # type: ignore[method-assign]
        world.restart_agent()  # so that it uses the other one
        for _ in range(150):
            await world.tick()
            assert [] == await witness.look()
        crash(world)
        for _ in range(20):
            await world.tick()
            if broken := await witness.look():
                return broken
        return []

    promise = sentence(site_promises.a_site_that_works_answers_everybody)
    assert asyncio.run(story())[0].startswith(promise)
