"""Simulated traffic: requests, errors and latency buckets for each second of a rollout."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from windlass.maths.edges import EDGES, bucket_of

Counts = npt.NDArray[np.int64]
Chance = np.random.Generator

LATENCY_MEDIAN_MICROSECONDS = 100_000.0
LATENCY_SIGMA = 0.5
FIRST_BUCKET = bucket_of(4_000)  # no call of any world is quicker than 4 ms or slower than 4 s
LAST_BUCKET = bucket_of(4_000_000)
BUCKETS_USED = LAST_BUCKET - FIRST_BUCKET + 1


@dataclass(frozen=True, slots=True)
class World:
    """Two releases under one load. `slower` multiplies each canary call, `tail` of its calls take 400 ms more."""

    name: str
    requests_per_second: int = 100
    errors_control: float = 0.01
    errors_canary: float = 0.01
    slower: float = 1.0
    tail: float = 0.0
    shares: tuple[float, ...] = (0.05, 0.25, 0.5, 1.0)
    seconds_max: int = 7_200


@dataclass(frozen=True, slots=True)
class Seconds:
    """What happened in some consecutive seconds: one row for each second, latency by bucket from `FIRST_BUCKET` on."""

    requests: Counts
    errors: Counts
    latency: Counts

    @classmethod
    def none(cls) -> "Seconds":
        """One second without a request."""
        return cls(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros((1, BUCKETS_USED), np.int64))

    def then(self, later: "Seconds", keep: int) -> "Seconds":
        """The last `keep` of these seconds and all later ones, after a first row that sums up everything older."""
        older = max(1, len(self.requests) - keep)
        return Seconds(
            np.concatenate([[self.requests[:older].sum()], self.requests[older:], later.requests]),
            np.concatenate([[self.errors[:older].sum()], self.errors[older:], later.errors]),
            np.concatenate([self.latency[:older].sum(axis=0, keepdims=True), self.latency[older:], later.latency]),
        )


@cache
def latency_chances(slower: float = 1.0, tail: float = 0.0) -> npt.NDArray[np.float64]:
    """The chance of each used bucket for a lognormal latency, a part of the calls 400 ms later."""
    edges = np.array(EDGES[FIRST_BUCKET : LAST_BUCKET + 1], dtype=np.float64)
    centre = np.log(LATENCY_MEDIAN_MICROSECONDS * slower)

    def below(microseconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(ndtr((np.log(np.maximum(microseconds, 1e-3)) - centre) / LATENCY_SIGMA), dtype=np.float64)

    reached = (1.0 - tail) * below(edges) + tail * below(edges - 400_000.0)
    chances = np.diff(np.concatenate([[0.0], reached]))
    return np.asarray(chances / chances.sum(), dtype=np.float64)


def draw(world: World, share: float, seconds: int, chance: Chance) -> tuple[Seconds, Seconds]:
    """Canary and control of the next seconds at this share."""
    canary = chance.binomial(world.requests_per_second, share, seconds)
    control = world.requests_per_second - canary
    return (
        _arm(canary, world.errors_canary, latency_chances(world.slower, world.tail), chance),
        _arm(control, world.errors_control, latency_chances(), chance),
    )


def _arm(requests: Counts, error_rate: float, chances: npt.NDArray[np.float64], chance: Chance) -> Seconds:
    return Seconds(requests, chance.binomial(requests, error_rate), chance.multinomial(requests, chances))
