"""Adds lines up: totals per service, step and release, once for all that finished and once for what is settled.

A request is settled when it was admitted longer ago than the service's time-out: then every request of its time has
finished, and slow failures are not late to the vote. Its admission is taken as the moment of reading less its duration,
by our own clock: Envoy's clock may jump. Where callers are assigned by a unit, the first request of a unit counts and
no other in the same rollout, because requests of one unit fail together; units are kept as keyed hashes, and above
4,000 of them only those with a small hash count at all.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from windlass.adapters.traffic.envoy.lines import Line
from windlass.facts.counts import StepCounts, Tally
from windlass.maths.edges import bucket_of

UNITS_MAX = 4_000
SETTLE_EXTRA_MILLISECONDS = 1_000  # a line waits in Envoy's memory and for the next reading
TIMEOUT_SECONDS_UNKNOWN = 60.0  # the last requests of a service that has left the plan
HASH_MAX = (1 << 64) - 1

Key = tuple[str, str, str]  # service, step, release


@dataclass(frozen=True, slots=True)
class Rollout:
    """What the totals must know about a service: how its callers are assigned, and how long a request may take."""

    salt: str
    has_unit: bool
    timeout_seconds: float


@dataclass
class Sums:
    """A tally that grows."""

    requests: int = 0
    failed: int = 0
    refused: int = 0
    retried: int = 0
    synthetic: int = 0
    latency: dict[int, int] = field(default_factory=dict)
    _tally: Tally | None = field(default=None, compare=False)  # while nothing was added

    def add(self, line: Line) -> None:
        """Count one request."""
        self._tally = None
        self.requests += 1
        self.failed += line.failed
        self.refused += line.refused
        self.retried += line.retries > 0  # two retries of one request fall on one release: they are one event
        self.synthetic += line.synthetic
        if line.microseconds is not None:
            bucket = bucket_of(line.microseconds)
            self.latency[bucket] = self.latency.get(bucket, 0) + 1

    def add_all(self, other: "Sums") -> None:
        """Count what another one has counted."""
        self._tally = None
        self.requests += other.requests
        self.failed += other.failed
        self.refused += other.refused
        self.retried += other.retried
        self.synthetic += other.synthetic
        for bucket, count in other.latency.items():
            self.latency[bucket] = self.latency.get(bucket, 0) + count

    def tally(self) -> Tally:
        """The numbers as they are now."""
        if self._tally is None:
            latency = dict(self.latency)
            self._tally = Tally(self.requests, self.failed, self.refused, self.retried, self.synthetic, latency)
        return self._tally


@dataclass
class Units:
    """The units of one rollout that have been counted, as hashes not above `hash_max`."""

    salt: str
    hash_max: int = HASH_MAX
    hashes: set[int] = field(default_factory=set)

    def admit(self, value: int) -> bool:
        """Whether a unit counts: it is in the sample and was not counted before."""
        if value > self.hash_max or value in self.hashes:
            return False
        self.hashes.add(value)
        while len(self.hashes) > UNITS_MAX:
            self.hash_max //= 2
            self.hashes = {one for one in self.hashes if one <= self.hash_max}
        return value <= self.hash_max


class Totals:
    """The totals of one gateway."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.finished: dict[Key, Sums] = {}
        self.settled: dict[Key, Sums] = {}
        self.pending: dict[tuple[int, Key], Sums] = {}  # by the instant of admission, in whole seconds rounded up
        self.units: dict[str, Units] = {}

    def add(self, line: Line, rollouts: Mapping[str, Rollout], now: int) -> None:
        """Count a request that was read at the instant `now`."""
        rollout = rollouts.get(line.service)
        if rollout and rollout.has_unit and not self._admits(line, rollout.salt):
            return
        sums = Sums()
        sums.add(line)
        admitted = now // 1000 + 1 - (line.microseconds or 0) // 1_000_000
        self.add_sums((line.service, line.step, line.release), sums, admitted)

    def add_sums(self, key: Key, sums: Sums, admitted: int) -> None:
        """Count requests that were admitted in one second, given by its end in whole seconds. `sums` is kept."""
        self.finished.setdefault(key, Sums()).add_all(sums)
        waiting = self.pending.setdefault((admitted, key), sums)
        if waiting is not sums:
            waiting.add_all(sums)

    def settle(self, rollouts: Mapping[str, Rollout], now: int) -> bool:
        """Move what is old enough to the settled totals; says whether anything moved."""
        if not self.pending:
            return False
        self._bring_back_from_future(now // 1000 + 1)
        unknown = now - _wait_milliseconds(None)
        limits = {service: now - _wait_milliseconds(rollout) for service, rollout in rollouts.items()}
        moved = [(second, key) for second, key in self.pending if second * 1000 < limits.get(key[0], unknown)]
        for one in moved:
            self.settled.setdefault(one[1], Sums()).add_all(self.pending.pop(one))
        return bool(moved)

    def forget(self, steps: frozenset[str]) -> bool:
        """Drop all steps except these (`<service>/<step id>`); says whether any was dropped."""
        kept = [_kept(self.finished, steps), _kept(self.settled, steps)]
        pending = {one: sums for one, sums in self.pending.items() if f"{one[1][0]}/{one[1][1]}" in steps}
        changed = len(kept[0]) < len(self.finished)
        self.finished, self.settled = kept
        self.pending = pending
        services = {step.partition("/")[0] for step in steps}
        self.units = {service: units for service, units in self.units.items() if service in services}
        return changed

    def counts(self) -> tuple[StepCounts, ...]:
        """The totals of every step, sorted."""
        none = Sums()
        return tuple(
            StepCounts(*key, finished=self.finished[key].tally(), settled=self.settled.get(key, none).tally())
            for key in sorted(self.finished)
        )

    def _bring_back_from_future(self, second_max: int) -> None:
        """After a restart with an earlier clock, waiting for the old instants could take hours."""
        for second, key in [one for one in self.pending if one[0] > second_max]:
            self.pending.setdefault((second_max, key), Sums()).add_all(self.pending.pop((second, key)))

    def _admits(self, line: Line, salt: str) -> bool:
        """A request without a unit was assigned by itself; where units are counted it is no evidence."""
        if not line.unit:
            return False
        units = self.units.get(line.service)
        if units is None or units.salt != salt:
            units = self.units[line.service] = Units(salt)
        digest = hashlib.blake2b(line.unit, digest_size=8, key=self._key, salt=b"unit").digest()
        return units.admit(int.from_bytes(digest, "big"))


def _wait_milliseconds(rollout: Rollout | None) -> float:
    seconds = rollout.timeout_seconds if rollout else TIMEOUT_SECONDS_UNKNOWN
    return seconds * 1000 + SETTLE_EXTRA_MILLISECONDS


def _kept(sums: dict[Key, Sums], steps: frozenset[str]) -> dict[Key, Sums]:
    return {key: one for key, one in sums.items() if f"{key[0]}/{key[1]}" in steps}
