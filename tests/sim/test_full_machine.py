"""A machine with hardly any room: builds wait, and begin when there is some."""

import asyncio

from windlass.sim.scripts import Script
from windlass.sim.storms import SERVICE, SPEC
from windlass.sim.world import World


def test_builds_wait_for_room() -> None:
    """Below a tenth of the disk nothing is built, and the reason names both numbers; with room the build begins."""

    async def story() -> None:
        world = World(1, SERVICE, SPEC)
        world.machine.free = 0.03
        await world.begin_with(Script("v1"))
        for _ in range(10):
            await world.tick()
        assert world.engine is not None
        said = {report.stage: report.because for report in world.engine.plans[SERVICE].reports}
        assert ([], True) == (world.compute.starts, "only 3% of the disk is free (builds need 10%)" in said["builds"])
        world.machine.free = 0.1
        for _ in range(10):
            await world.tick()
        assert world.compute.starts

    asyncio.run(story())
