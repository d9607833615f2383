"""A gateway in memory: requests are drawn as counts, and counted as the real gateway counts its log."""

import random
from collections.abc import Mapping

from windlass.adapters.traffic.envoy.routes import can_answer
from windlass.adapters.traffic.envoy.totals import Rollout, Sums, Totals
from windlass.kernel.errors import Unavailable
from windlass.kernel.instants import Instant
from windlass.maths.edges import bucket_of
from windlass.ports.traffic import TrafficApplied, TrafficCounts, TrafficWish
from windlass.ports.world import Clock


class SimulatedTraffic:
    """The gateway of a simulated site.

    `refused` names services whose routes it refuses; `is_up` says whether it runs, and may be set to let it die;
    `calls` counts the wishes it was given; `gap` makes it lose lines.
    """

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self._clock = clock
        self._random = random.Random(seed)
        self._totals = Totals(b"simulated")
        self.wish = TrafficWish("", (), ())
        self.is_up = False
        self.cannot_start = ""
        self.refused: frozenset[str] = frozenset()
        self.gap = False
        self.calls = 0

    async def start(self) -> None:
        """Run."""
        if self.cannot_start:
            raise Unavailable(self.cannot_start, code="simulated")
        self.is_up = True

    async def apply(self, wish: TrafficWish) -> TrafficApplied:
        """Take the wish; what is refused stays as it was."""
        if not self.is_up:
            raise Unavailable("the gateway does not answer", code="simulated")
        self.calls += 1
        before = {piece.service: piece for piece in self.wish.services}
        stuck = {
            piece.service: "refused"
            for piece in wish.services
            if piece.service in self.refused and before.get(piece.service) != piece
        }
        kept = tuple(before.get(piece.service) if piece.service in stuck else piece for piece in wish.services)
        self.wish = TrafficWish(wish.version, tuple(piece for piece in kept if piece is not None), wish.endpoints)
        return TrafficApplied(True, stuck)

    async def counts(self, now: Instant) -> TrafficCounts:
        """The totals of what was sent."""
        self._totals.settle(self._rollouts(), now)
        return TrafficCounts(self._totals.counts(), self.gap)

    async def forget(self, steps: frozenset[str]) -> None:
        """Drop the totals of all steps except these."""
        self._totals.forget(steps)

    async def stop(self) -> None:
        """End."""
        self.is_up = False

    def send(
        self,
        service: str,
        requests: int,
        failed: Mapping[str, float] | None = None,
        milliseconds: Mapping[str, float] | None = None,
    ) -> dict[str, int]:
        """Send requests now; which release gets how many is drawn by the weights in force.

        Args:
            service: the service that is called.
            requests: how many requests.
            failed: for a release, the share of its requests that fail; 0 where it is not named.
            milliseconds: for a release, the median of its durations; 10 where it is not named.

        Returns:
            How many requests each release answered; empty where nobody could.
        """
        piece = next((one for one in self.wish.services if one.service == service), None)
        answering: dict[str, list[str]] = {}
        for one in self.wish.endpoints:
            answering.setdefault(one.service, []).append(one.release)
        if not self.is_up or piece is None or not can_answer(piece, answering):
            return {}
        admitted = self._clock.now() // 1000 + 1
        weighted = [route for route in piece.routes if route.weight > 0]
        names = self._random.choices([one.release for one in weighted], [one.weight for one in weighted], k=requests)
        found = {route.release: names.count(route.release) for route in weighted}
        for release, count in found.items():
            share = (failed or {}).get(release, 0.0)
            median = (milliseconds or {}).get(release, 10.0)
            self._totals.add_sums((service, piece.step_id, release), self._draw(count, share, median), admitted)
        return found

    def _draw(self, count: int, failed_share: float, milliseconds: float) -> Sums:
        sums = Sums(requests=count, failed=sum(self._random.random() < failed_share for _ in range(count)))
        for _ in range(count):
            bucket = bucket_of(round(1000 * milliseconds * self._random.lognormvariate(0.0, 0.4)))
            sums.latency[bucket] = sums.latency.get(bucket, 0) + 1
        return sums

    def _rollouts(self) -> dict[str, Rollout]:
        return {piece.service: Rollout(piece.salt, False, piece.timeout_seconds) for piece in self.wish.services}
