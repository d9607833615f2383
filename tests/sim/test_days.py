"""Random days: promises under faults, and one seed that replays byte for byte."""

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from windlass.adapters.simulated import taps
from windlass.adapters.simulated.world import SimulatedClock
from windlass.kernel.errors import Unavailable
from windlass.ports.store import Change
from windlass.sim.days import lived
from windlass.sim.faults import KINDS
from windlass.sim.promises import Witness
from windlass.sim.scripts import Script
from windlass.sim.storms import BUSY, SERVICE, SITES, SPEC, Storm, drawn
from windlass.sim.world import World

SEEDS = [1, 2, BUSY + 1]  # a few in every run; `make sim` lives through many


@pytest.mark.parametrize("seed", SEEDS)
def test_promises_hold_on_random_days(seed: int) -> None:
    """Whatever breaks, every promise holds; and when nothing is broken any more, the system comes to rest."""
    day = lived(drawn(seed))
    assert [] == day.broken
    assert day.seconds >= 1200
    assert day.faults
    assert day.digest


def test_promises_are_asked_in_quiet_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a day quiet hours may follow: the same promises hold in them, and one that breaks ends the day."""
    end = lived(Storm(4, (), 60)).seconds
    quiet = lived(Storm(4, (), 60, quiet_seconds=600))
    assert (end + 600, []) == (quiet.seconds, quiet.broken)
    looks, breaks_at = Witness.look, SimulatedClock().now() + 1000 * (end + 300)

    async def look(self: Witness) -> list[str]:
        words = await looks(self)
        return [*words, "it broke"] if self.world.clock.now() >= breaks_at else words

    monkeypatch.setattr(Witness, "look", look)
    day = lived(Storm(4, (), 60, quiet_seconds=600))
    assert (end + 300, [f"second {end + 300}: it broke"]) == (day.seconds, day.broken)


REPLAY = "from windlass.sim.days import lived; from windlass.sim.storms import drawn; print(lived(drawn(4)).digest)"


def test_one_seed_gives_the_same_day() -> None:
    """Two runs of a seed, under two orders of hashing, leave the same facts, files and calls, and the same answers."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", REPLAY],
            env={**os.environ, "PYTHONHASHSEED": order},
            capture_output=True,
            text=True,
            timeout=170,
            check=True,
        ).stdout
        for order in ("1", "2")
    }
    assert 1 == len(digests)


def test_every_kind_of_fault_is_common() -> None:
    """Each kind is at least 1 % of the faults that are drawn, and at least half of them change what a port answers."""
    names = Counter(one.name for seed in range(200) for one in drawn(seed).happenings if one.name in KINDS)
    total = sum(names.values())
    assert set(KINDS) == set(names)
    assert min(names.values()) >= total / 100
    assert sum(count for name, count in names.items() if KINDS[name].changes_answer) >= total / 2


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_of_fault_happens_and_ends(name: str) -> None:
    """One fault of each kind in a rollout: every promise holds while it lasts, and afterwards the service is served."""

    async def story() -> None:
        world = World(3, SERVICE, SPEC, SITES[:2])
        witness = Witness(world)
        world.callers.rate = 60.0
        await world.begin_with(Script("v1"))
        for _ in range(40):
            await world.tick()
        world.commit(Script("v2"))
        for _ in range(15):
            await world.tick()
        await witness.look()
        end = KINDS[name].begin(world, random.Random(5))
        for _ in range(20):
            await world.tick()
            assert [] == await witness.look()
        end()
        for _ in range(45):
            await world.tick()
            assert [] == await witness.look()
        before = world.callers.lost
        await world.tick()
        assert before == world.callers.lost

    asyncio.run(story())


def test_a_lost_race_is_planned_again() -> None:
    """Another control plane commits first, again and again: the loop goes on, and wins once it is alone."""

    async def story() -> None:
        world = World(1, SERVICE, SPEC)
        end = KINDS["another control plane writes"].begin(world, random.Random(1))
        world.commit(Script("v1"))
        end()
        await world.begin()
        end = KINDS["another control plane writes"].begin(world, random.Random(1))
        for _ in range(20):
            await world.tick()
        assert not (await world.state()).live
        end()
        for _ in range(30):
            await world.tick()
        assert (await world.state()).live

    asyncio.run(story())


def test_an_act_whose_acknowledgement_was_lost_is_answered() -> None:
    """The store takes an act and its answer is lost: a pass answers the act soon, though nothing else happens."""

    async def story() -> None:
        world = World(1, SERVICE, SPEC)
        await world.begin_with(Script("v1"))
        for _ in range(30):
            await world.tick()
        end = KINDS["answer of the store lost"].begin(world, random.Random(1))
        with pytest.raises(Unavailable):
            await world.ask("freeze", "a busy evening")
        end()
        for _ in range(6):
            await world.tick()
        state = await world.state()
        assert state.freeze is not None
        assert () == state.acts

    asyncio.run(story())


@pytest.mark.parametrize("loser", range(1, 6))
def test_whatever_commit_loses_a_race(loser: int) -> None:
    """Another control plane is quicker at one commit, whichever that is: the release goes live all the same."""

    async def story() -> None:
        world = World(1, SERVICE, SPEC)
        commits = 0

        async def quicker(call: taps.Call) -> object:
            nonlocal commits
            commits += 1
            if commits == loser:
                await world.store.commit(Change((await world.store.load()).generation))
            return await call()

        world.tap.hindrances["store.commit"] = quicker
        await world.begin_with(Script("v1"))
        for _ in range(30):
            await world.tick()
        assert (await world.state()).live
        assert commits > loser

    asyncio.run(story())
