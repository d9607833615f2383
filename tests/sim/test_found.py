"""Storms that broke a promise once, as they were drawn then: `docs/reliability.md` says what was wrong."""

from pathlib import Path

import pytest

from windlass.sim.days import lived
from windlass.sim.faults import KINDS
from windlass.sim.storms import Storm, habits, read_happening

FOUND = Path(__file__).with_name("found.txt")


def storms() -> list[Storm]:
    """Every storm of the file."""
    _, *parts = FOUND.read_text().split("\nseed ")
    found = []
    for part in parts:
        seed, _, happenings = part.partition("\n")
        read = tuple(map(read_happening, happenings.replace("\n", " ").split(";")))
        found.append(Storm(int(seed), read, is_shuffled=False))  # the order of then
    return found


@pytest.mark.parametrize("storm", storms(), ids=lambda storm: str(storm.seed))
def test_what_was_found_stays_mended(storm: Storm) -> None:
    """Every promise holds, and everything that is written of the storm happens."""
    assert {one.name for one in storm.happenings} <= {*KINDS, *habits(storm.seed).events}
    assert [] == lived(storm).broken
