"""One simulated rollout, judged by the product's `weigh` and `decide` with their default limits.

The product looks every second. Here every second is weighed by the vectorised wagers, and `decide` is asked at each
second at which harm could be shown (evidence of nine tenths of the limit or more) and every five minutes. While the
wagers stay below that, `decide` cannot say "back".
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from zlib import crc32

import numpy as np

from bench.evidence.seconds import harm_each_second
from bench.evidence.worlds import FIRST_BUCKET, Chance, Counts, Seconds, World, draw, latency_chances
from windlass.delivery.rollouts.decide import decide
from windlass.delivery.rollouts.evidence import Arm, Stage, edges_from, weigh
from windlass.delivery.rollouts.types import Limits, Move, RolloutView, SiteView
from windlass.delivery.sources.types import LimitSpec
from windlass.facts.counts import Tally
from windlass.kernel.instants import Instant

LOOK_SECONDS = 300
TIMEOUT_SECONDS = 10
CALLS_BEFORE = 20_000
LIMITS = Limits()
DEFAULT_LIMIT = LimitSpec(line="errors <= 1%", family="errors", quantile=0.0, bound=0.01)
WORKERS = 2
RUNS_AT_ONCE = 25


@dataclass(frozen=True, slots=True)
class Ended:
    """How a rollout ended: back, promote, or hold where it was still undecided."""

    move: Move
    seconds: int
    canary_requests: int


def simulate(world: World, runs: int) -> list[Ended]:
    """Many rollouts of one world; each world and each run has its own stream of chance."""
    seed = crc32(world.name.encode())
    with ProcessPoolExecutor(WORKERS) as pool:
        return list(chain.from_iterable(pool.map(partial(_some, world, seed, runs), range(0, runs, RUNS_AT_ONCE))))


def _some(world: World, seed: int, runs: int, start: int) -> list[Ended]:
    return [roll(world, np.random.default_rng([seed, run])) for run in range(start, min(start + RUNS_AT_ONCE, runs))]


def roll(world: World, chance: Chance) -> Ended:
    """One rollout from its first share to its end."""
    watch = Watch.of(world, chance)
    ended = None
    while ended is None:
        ended = watch.next_look()
    return ended


def two_stages() -> list[Stage]:
    """A rollout in its second step, for measuring what a look costs."""
    watch = Watch.of(World("cost"), np.random.default_rng(1))
    while not watch.past:
        watch.next_look()
    watch.next_look()
    return watch.stages(0)


@dataclass
class Watch:
    """A rollout under way: the stages before, and what was counted in the step in force.

    The last rows of `canary` and `control` are single seconds, the first row sums up all seconds before them.
    """

    world: World
    edges: tuple[int, ...]
    chance: Chance
    past: list[Stage] = field(default_factory=list)
    began: int = 0
    passed: int = 0
    canary: Seconds = field(default_factory=Seconds.none)
    control: Seconds = field(default_factory=Seconds.none)

    @classmethod
    def of(cls, world: World, chance: Chance) -> "Watch":
        """A rollout about to begin, with latency edges from the champion's calls before it."""
        before = chance.multinomial(CALLS_BEFORE, latency_chances())
        return cls(world, edges_from(Tally(requests=CALLS_BEFORE, latency=_sparse(before))), chance)

    def next_look(self) -> Ended | None:
        """Let time pass, look wherever harm may be shown, and take the move of the end."""
        canary, control = draw(self.world, self.share, LOOK_SECONDS, self.chance)
        self.canary = self.canary.then(canary, TIMEOUT_SECONDS)
        self.control = self.control.then(control, TIMEOUT_SECONDS)
        self.passed += LOOK_SECONDS
        harm = harm_each_second(self.stages(0), self.canary, self.control, LOOK_SECONDS)
        for second in np.flatnonzero(harm[:-1] >= 0.9 * LIMITS.harm_e_min).tolist():
            move, requests = self._look(LOOK_SECONDS - 1 - second)
            if move is Move.BACK:
                return Ended(move, self.began + self.passed - (LOOK_SECONDS - 1 - second), requests)
        move, requests = self._look(0)
        if move in (Move.BACK, Move.PROMOTE):
            return Ended(move, self.began + self.passed, requests)
        if self.began + self.passed >= self.world.seconds_max:
            return Ended(Move.HOLD, self.began + self.passed, requests)
        if move is Move.ADVANCE:
            self.past.append(self._stage(0))
            self.began, self.passed = self.began + self.passed, 0
            self.canary, self.control = Seconds.none(), Seconds.none()
        return None

    @property
    def share(self) -> float:
        return self.world.shares[len(self.past)]

    def stages(self, ago: int) -> list[Stage]:
        """All stages as they stood so many seconds before the last second drawn."""
        return [*self.past, self._stage(ago)]

    def _look(self, ago: int) -> tuple[Move, int]:
        """The move that the product makes so many seconds before the last second drawn."""
        evidence = weigh(self.stages(ago), [DEFAULT_LIMIT])
        now = Instant(1000 * (self.began + self.passed - ago))
        view = RolloutView(
            candidate="new",
            champion="old",
            verdict="pass",
            overridden=False,
            moving=True,
            step=len(self.past),
            shares=self.world.shares,
            began=Instant(0),
            step_began=Instant(1000 * self.began),
            has_edges=True,
            edges_ready=True,
            evidence=evidence,
            site=SiteView(counted_at=now, ready=True),
            limits=LIMITS,
        )
        return decide(view, now).move, evidence.canary_requests

    def _stage(self, ago: int) -> Stage:
        last = len(self.canary.requests) - ago
        arms = [
            Arm(_tally(arm, last), _tally(arm, max(1, last - TIMEOUT_SECONDS))) for arm in (self.canary, self.control)
        ]
        return Stage(self.share, self.edges, *arms)


def _tally(arm: Seconds, rows: int) -> Tally:
    return Tally(
        requests=int(arm.requests[:rows].sum()),
        failed=int(arm.errors[:rows].sum()),
        latency=_sparse(arm.latency[:rows].sum(axis=0)),
    )


def _sparse(counts: Counts) -> dict[int, int]:
    return {FIRST_BUCKET + int(place): int(counts[place]) for place in np.flatnonzero(counts)}
