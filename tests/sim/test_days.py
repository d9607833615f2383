"""Random days: promises under faults, and one seed that replays byte for byte."""

import asyncio
import os
import subprocess
import sys

import pytest

from windlass.sim.days import live_through

SEEDS = [1, 2, 3]  # a few in every run; `make sim` lives through many


@pytest.mark.parametrize("seed", SEEDS)
def test_promises_hold_on_random_days(seed: int) -> None:
    """Whatever breaks, shares sum to the whole, quarantine holds, only a pass raises a share, nothing stored is lost;
    and when nothing is broken any more, the system comes to rest."""
    day = asyncio.run(live_through(seed))
    assert [] == day.broken
    assert day.seconds >= 1200
    assert day.faults


REPLAY = "import asyncio; from windlass.sim.days import live_through; print(asyncio.run(live_through(4)).digest)"


def test_one_seed_gives_the_same_day() -> None:
    """Two runs of a seed, under two orders of hashing, leave the same facts and the same answers."""
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
