"""What happens on a random day: commits, callers, people and faults, all drawn from one seed beforehand, so that a day
can be lived again with some of it left out, or as it was drawn by an earlier version.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass, replace

from windlass.sim.faults import KINDS

SERVICE = "doctor-visits"
SITES = ("local", "north", "south")
SPEC = """\
service: doctor-visits
train: python train.py
data: {holdout: data/holdout.csv, label: label}
gate:
  - roc_auc >= 0.70
rollout: {time_limit: 10m}
"""
STORM_SECONDS = 1200  # twenty virtual minutes
FAULT_CHANCE = 0.05  # of each second of the storm
EVENT_CHANCE = 0.03
BUSY = 1_000_000  # seeds from here on are of busy days


@dataclass(frozen=True, slots=True)
class Habits:
    """What people do on a day, and how many requests a second there are."""

    events: tuple[str, ...]
    verbs: tuple[str, ...]
    rates: tuple[float, ...]


USUAL = Habits(
    ("commit", "commit", "traffic", "act", "act at a site", "sync"),
    ("promote", "abort", "pause", "resume", "rollback", "retry", "freeze", "resume"),
    (0.0, 1.0, 20.0, 200.0),
)
# On a busy day callers always call and hardly anybody stops a rollout, so that most of them get far by themselves.
ROLLING = Habits(
    ("commit", "commit", "commit", "act", "act at a site"),
    ("resume", "resume", "resume", "pause", "abort", "freeze"),
    (100.0, 200.0),
)


@dataclass(frozen=True, slots=True)
class Happening:
    """One fault or event of a storm: its second, its name, and the seed of its details.

    >>> str(Happening(12, "gateway killed", 255)), read_happening("12 gateway killed 000000ff").name
    ('12 gateway killed 000000ff', 'gateway killed')
    """

    second: int
    name: str
    seed: int

    def __str__(self) -> str:
        return f"{self.second} {self.name} {self.seed:08x}"


def read_happening(text: str) -> Happening:
    """A happening as it is written.

    Raises:
        ValueError: it is none.
    """
    second, _, rest = text.strip().partition(" ")
    name, _, seed = rest.rpartition(" ")
    return Happening(int(second), name, int(seed, 16))


@dataclass(frozen=True, slots=True)
class Storm:
    """The stormy part of a day. `seed` is of everything that is not drawn beforehand; `is_shuffled` says that callers,
    sites and control plane work in another order each second; `quiet_seconds` follow in which nothing happens any more.
    """

    seed: int
    happenings: tuple[Happening, ...]
    seconds: int = STORM_SECONDS
    is_shuffled: bool = True
    quiet_seconds: int = 0

    def only(self, positions: Collection[int]) -> "Storm":
        """The storm with these of its happenings."""
        return replace(self, happenings=tuple(one for at, one in enumerate(self.happenings) if at in positions))


def habits(seed: int) -> Habits:
    """What people do on the day of a seed."""
    return ROLLING if seed >= BUSY else USUAL


def drawn(seed: int, seconds: int = STORM_SECONDS, quiet_seconds: int = 0) -> Storm:
    """The storm of a seed, and how long it is quiet after it."""
    chance = random.Random(seed)
    names, found = sorted(KINDS), []
    for second in range(seconds):
        if chance.random() < FAULT_CHANCE:
            found.append(Happening(second, chance.choice(names), chance.getrandbits(32)))
        if chance.random() < EVENT_CHANCE:
            found.append(Happening(second, chance.choice(habits(seed).events), chance.getrandbits(32)))
    return Storm(seed, tuple(found), seconds, quiet_seconds=quiet_seconds)
