"""The agent as it runs: its parts go at their own pace, on the real clock over a world in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.adapters.traffic.scenes import eventually
from tests.site.worlds import SERVICE, A, Seals, World, replica, slice_of
from windlass.adapters.simulated.replicas import SimulatedReplicas
from windlass.adapters.simulated.traffic import SimulatedTraffic
from windlass.adapters.simulated.world import SimulatedChance, disk_full, no_fault
from windlass.adapters.world import RealClock, RealTasks
from windlass.kernel.errors import Unavailable
from windlass.ports.sites import SignedPlan
from windlass.ports.traffic import TrafficApplied, TrafficWish
from windlass.site.agent import SitePorts, SiteSettings, build


class FastWorld(World):
    """The world with real time and short pauses."""

    def __init__(self) -> None:
        super().__init__()
        clock, self.tasks = RealClock(), RealTasks()
        self.traffic = SimulatedTraffic(clock)
        self.replicas = SimulatedReplicas(clock, ready_seconds=0.0)
        ports = SitePorts(
            clock, SimulatedChance(1), self.disk, self.tasks, self.traffic, self.replicas, self.uplink, Seals()
        )
        settings = SiteSettings("local", "/site", reserved_bytes=1000, tick_seconds=0.01, count_seconds=0.01)
        self.agent = build(ports, settings)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[FastWorld]:
    """A running agent; it is taken down at the end."""
    world = FastWorld()

    async def run() -> None:
        try:
            await world.agent.run()
        finally:
            await world.tasks.stop()

    task = asyncio.create_task(run())
    try:
        yield world
        await world.agent.down()
        await task  # `run` returns once everything is down
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_plans_are_carried_out_and_reported() -> None:
    """A plan that is laid out comes into force and is reported, one after the other, until the agent is taken down."""

    async def story() -> None:
        async with running() as world:
            for generation in (1, 2, 3):
                world.publish(generation, slice_of(f"s{generation} a100"))
                await eventually(lambda wanted=generation: in_force(world, wanted))  # type: ignore[misc]
                assert f"s{generation} a100" == world.routes
        assert not world.traffic.is_up

    asyncio.run(story())


def test_a_cut_line_is_tried_again() -> None:
    """While the control plane is silent the site goes on; when it answers again the newer plan is fetched."""

    async def story() -> None:
        async with running() as world:
            world.publish(1, slice_of("s1 a100"))
            await eventually(lambda: in_force(world, 1))
            world.uplink.is_cut = True
            world.publish(2, slice_of("s2 a100"))
            world.replicas.crash(next(iter(world.report.replicas)).name)
            await eventually(lambda: len(world.replicas.calls) == 2)
            assert {A: 3} == world.traffic.send(SERVICE, 3)
            world.uplink.is_cut = False
            await eventually(lambda: in_force(world, 2))

    asyncio.run(story())


def test_useless_answers_do_not_make_it_busy() -> None:
    """A control plane that lays out the same bad plan again and again is asked less and less often."""

    async def story() -> None:
        async with running() as world:
            asked: list[float] = []
            fetch = world.uplink.fetch

            async def counted(known: int) -> SignedPlan | None:
                asked.append(asyncio.get_running_loop().time())
                return await fetch(known)

            world.uplink.fetch = counted  # type: ignore[method-assign]
            world.uplink.plan = SignedPlan("local", 1, "{}", "00")
            await eventually(lambda: "plan" in world.uplink.reports[-1].stuck if world.uplink.reports else False)
            asked.clear()
            await eventually(lambda: len(asked) == 4)
            assert asked[3] - asked[2] > asked[1] - asked[0]
            world.publish(2, slice_of("s1 a100"))
            await eventually(lambda: in_force(world, 2))

    asyncio.run(story())


def test_an_agent_that_is_cancelled_leaves_everything_running() -> None:
    """The end of the agent's process ends neither gateway nor replicas."""

    async def story() -> None:
        world = FastWorld()
        task = asyncio.create_task(world.agent.run())
        world.publish(1, slice_of("s1 a100"))
        await eventually(lambda: in_force(world, 1))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await world.tasks.stop()
        assert world.traffic.is_up
        assert [replica("a0:ready").name] == [one.name for one in await world.replicas.look()]

    asyncio.run(story())


class SulkingTraffic(SimulatedTraffic):
    """A gateway whose files cannot be written, or that does not confirm."""

    error: Unavailable | None = None
    confirms = True

    async def apply(self, wish: TrafficWish) -> TrafficApplied:
        if self.error:
            raise self.error
        if not self.confirms:
            return TrafficApplied(False)
        return await super().apply(wish)


def with_sulking_traffic() -> tuple[World, SulkingTraffic]:
    world = World()
    traffic = SulkingTraffic(world.clock)
    world.traffic = traffic
    world.start_agent()
    return world, traffic


def test_what_is_not_confirmed_is_not_in_force() -> None:
    """Until the gateway confirms a plan, the report names the one before, and it is tried again."""

    async def story() -> None:
        world, traffic = with_sulking_traffic()
        await world.ready(1, slice_of("s1 a100"))
        traffic.confirms = False
        world.publish(2, slice_of("s2 a100"))
        await world.tick(4)
        assert 1 == world.agent.status()["generation"]
        traffic.confirms = True
        await world.tick(2)
        assert (2, "s2 a100") == (world.report.generation, world.routes)

    asyncio.run(story())


def test_a_change_that_broke_off_is_undone_by_the_next_wish() -> None:
    """A wish that failed half way may have changed the gateway: going back to the last one is a change, too."""

    async def story() -> None:
        world, traffic = with_sulking_traffic()
        await world.ready(1, slice_of("s1 a100"))
        traffic.error = Unavailable("the gateway does not answer", code="gateway-silent")
        world.publish(2, slice_of("s2 a100"))
        await world.tick(2)
        traffic.error = None
        calls = traffic.calls
        world.publish(3, slice_of("s1 a100"))
        await world.tick(2)
        assert traffic.calls == calls + 1

    asyncio.run(story())


def test_a_full_disk_gives_the_reserve_to_the_gateway() -> None:
    """When the gateway's own files find no room the reserve is given up, so that a way back can be routed."""

    async def story() -> None:
        world, traffic = with_sulking_traffic()
        await world.ready(1, slice_of("s1 a100"))
        assert "/site/journal.reserve" in world.disk.files
        traffic.error = Unavailable("the disk is full", code="disk-full")
        world.disk.fault = disk_full
        world.publish(2, slice_of("s2 a100"))
        await world.tick(1)
        assert "the disk is full" in world.report.stuck["gateway"]
        assert "/site/journal.reserve" not in world.disk.files
        traffic.error = None
        await world.tick(2)
        assert "s2 a100" == world.routes
        world.disk.fault = no_fault
        await world.tick(130)
        assert "/site/journal.reserve" in world.disk.files

    asyncio.run(story())


def in_force(world: World, generation: int) -> bool:
    return bool(world.uplink.reports) and (world.report.generation, world.report.unready) == (generation, ())
