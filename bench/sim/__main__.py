"""`python -m bench.sim`: virtual seconds per second of one core, of the worlds that the simulator is for."""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Coroutine

from bench.report import Row, publish
from windlass.sim.days import live_through
from windlass.sim.rest import is_settled
from windlass.sim.scripts import Script
from windlass.sim.storms import SERVICE, SPEC, drawn
from windlass.sim.world import World

DAYS = 12  # random days, from seed 1
ROLLING_SECONDS = 600
SETTLED_SECONDS = 120
QUIET_PACE = 5.0  # virtual seconds from look to look, where nothing moves
SITES = 100
CALLS = 100.0  # a second, at all sites together

Measured = Callable[[], Coroutine[None, None, tuple[float, float]]]


def main() -> int:
    """Measure all and publish."""
    logging.disable(logging.CRITICAL)
    return publish(
        "sim",
        [
            _row("1", f"random days with all faults, three sites, {DAYS} seeds", _days, 1000.0),
            _row("2", f"one rollout on three sites, {CALLS:g} calls/s, no faults", _rolling, 1000.0),
            _row("3", f"{SITES} settled sites, each looking every {QUIET_PACE:g} s", _quiet, 200.0),
            _row("3b", f"{SITES} settled sites, each looking every second", _settled),
        ],
    )


def _row(name: str, what: str, measured: Measured, goal: float = 0.0) -> Row:
    virtual, real = asyncio.run(measured())
    times = virtual / real
    return Row(name, what, times, "x real time", f">= {goal:g}" if goal else "", "", times >= goal if goal else None)


async def _days() -> tuple[float, float]:
    began = time.process_time()
    days = [await live_through(drawn(seed)) for seed in range(1, DAYS + 1)]
    return float(sum(day.seconds for day in days)), time.process_time() - began


async def _rolling() -> tuple[float, float]:
    """A rollout that no evidence ends: few enough calls that it is under way all the time."""
    world = await _live(("local", "north", "south"), SPEC.replace("10m", "24h"))
    world.callers.rate = CALLS
    world.commit(Script("v2", bad=0.01))
    while len(world.traffic.wish.services) == 0 or len(world.traffic.wish.services[0].routes) < 2:
        await world.tick()
    return await _timed(world, ROLLING_SECONDS)


async def _settled() -> tuple[float, float]:
    return await _timed(await _at_rest(), SETTLED_SECONDS)


async def _quiet() -> tuple[float, float]:
    return await _timed(await _at_rest(), SETTLED_SECONDS, QUIET_PACE)


async def _at_rest() -> World:
    world = await _live(tuple(f"site-{number}" for number in range(SITES)), SPEC)
    while not await is_settled(world):
        await world.tick()
    return world


async def _live(sites: tuple[str, ...], spec: str) -> World:
    world = World(1, SERVICE, spec, sites)
    await world.begin_with(Script("v1"))
    while not (await world.state()).live:
        await world.tick()
    return world


async def _timed(world: World, looks: int, pace: float = 1.0) -> tuple[float, float]:
    began = time.process_time()
    for _ in range(looks):
        await world.tick(pace)
    return looks * pace, time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
