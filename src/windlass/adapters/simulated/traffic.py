"""A gateway in memory: requests are drawn as counts, and counted as the real gateway counts its log."""

from collections.abc import Mapping
from functools import lru_cache
from math import log
from statistics import NormalDist

import numpy as np

from windlass.adapters.simulated.sockets import Group, Hall, Socket, Sockets, everybody_answers, reception
from windlass.adapters.traffic.envoy.routes import can_answer
from windlass.adapters.traffic.envoy.totals import Rollout, Sums, Totals
from windlass.delivery.services.types import Route
from windlass.kernel.errors import Unavailable
from windlass.kernel.instants import Instant
from windlass.maths.counts import FloatArray, IntArray
from windlass.maths.edges import EDGES, bucket_of
from windlass.ports.traffic import TrafficApplied, TrafficCounts, TrafficWish
from windlass.ports.world import Clock

SPREAD = 0.4  # of the logarithm of a duration: p99 is two and a half times the median
SHARE_MIN = 1e-9  # buckets that a simulated day never fills are left out


class SimulatedTraffic:
    """The gateway of a simulated site.

    `refused` names services whose routes it refuses; `is_up` says whether it runs, and may be set to let it die;
    `calls` counts the wishes it was given; `gap` makes it lose lines; `skew` multiplies a candidate's weight.
    `answered` is what callers got from each release, whatever is counted, lost or forgotten elsewhere; `lost` counts
    those who found no gateway, and `turned_away` those to whom the gateway itself said that nobody answers.

    Args:
        clock: what the site takes for the time.
        seed: of what is drawn.
        sockets: what becomes of a request at a socket.
        true: the time by which callers wait, where the site's clock may be wrong.
    """

    def __init__(
        self, clock: Clock, seed: int = 0, sockets: Sockets = everybody_answers, true: Clock | None = None
    ) -> None:
        self._clock = clock
        self._true = true or clock
        self._sockets = sockets
        self._hall = Hall()
        self._random = np.random.default_rng(seed)
        self._totals = Totals(b"simulated")
        self.wish = TrafficWish("", (), ())
        self.is_up = False
        self.cannot_start = ""
        self.refused: frozenset[str] = frozenset()
        self.gap = False
        self.skew = 1.0
        self.calls = 0
        self.lost = 0
        self.turned_away = 0
        self.answered: dict[str, Sums] = {}

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
            How many requests each release answered at once; the others wait or are lost.
        """
        piece = next((one for one in self.wish.services if one.service == service), None)
        answering: dict[str, list[str]] = {}
        paths: dict[str, tuple[str, ...]] = {}
        for one in self.wish.endpoints:
            answering.setdefault(one.service, []).append(one.release)
            if one.service == service:
                paths[one.release] = one.sockets
        if not self.is_up:
            self.lost += requests
            return {}
        if piece is None or not can_answer(piece, answering):
            self.turned_away += requests
            return {}
        weighted = [route for route in piece.routes if route.weight > 0]
        drawn = self._random.multinomial(requests, self._shares(weighted))
        groups = [
            Group(
                step=(service, piece.step_id, route.release),
                paths=paths[route.release],
                count=int(count),
                since=self._true.now(),
                admitted=self._clock.now() // 1000 + 1,
                timeout_seconds=piece.timeout_seconds,
                failed=(failed or {}).get(route.release, 0.0),
                milliseconds=(milliseconds or {}).get(route.release, 10.0),
            )
            for route, count in zip(weighted, drawn, strict=True)
        ]
        return {group.step[2]: group.count for group in groups if self._receive(group)}

    def let_wait(self) -> dict[str, int]:
        """Let those who wait be answered, go on waiting, or be turned away; how many each release has answered."""
        if not self.is_up:
            self.lost += sum(group.count for group in self._hall.groups)
            self._hall.groups = []
        answered, away = self._hall.called(self._sockets, self._true.now())
        found: dict[str, int] = {}
        for group in answered:
            self._answer(group)
            found[group.step[2]] = found.get(group.step[2], 0) + group.count
        for group in away:
            self._turn_away(group)
        return found

    def _receive(self, group: Group) -> bool:
        """Whether a release answers these at once."""
        match reception(group.paths, self._sockets):
            case Socket.ANSWERS:
                self._answer(group)
                return True
            case Socket.WAITS if group.count:
                self._hall.groups.append(group)
            case Socket.REFUSES if group.count:
                self._turn_away(group)
            case _:
                pass
        return False

    def _answer(self, group: Group) -> None:
        """The release answers; who has waited got its answer late."""
        waited = 1000 * group.waited_seconds(self._true.now())
        self._count(group, self._draw(group.count, group.failed, group.milliseconds + waited))

    def _turn_away(self, group: Group) -> None:
        """The gateway says 503 or 504, which counts as a failure of the release, and as tried again where sockets
        refused."""
        is_refused = reception(group.paths, self._sockets) is Socket.REFUSES
        latency = {bucket_of(int(1e6 * group.waited_seconds(self._true.now()))): group.count}
        count = group.count
        self._count(group, Sums(count, count, retried=count if is_refused else 0, latency=latency))
        self.turned_away += count

    def _count(self, group: Group, sums: Sums) -> None:
        self._totals.add_sums(group.step, sums, group.admitted)
        self.answered.setdefault(group.step[2], Sums()).add_all(sums)

    def _shares(self, routes: list[Route]) -> list[float]:
        """What each route really gets: what was asked for, but for `skew`."""
        weights = [route.weight * (self.skew if route.role == "candidate" else 1.0) for route in routes]
        return [weight / sum(weights) for weight in weights]

    def _draw(self, count: int, failed_share: float, milliseconds: float) -> Sums:
        buckets, shares = _latency(milliseconds)
        drawn = self._random.multinomial(count, shares)
        hit = drawn.nonzero()
        latency = dict(zip(buckets[hit].tolist(), drawn[hit].tolist(), strict=True))
        return Sums(count, int(self._random.binomial(count, failed_share)), latency=latency)

    def _rollouts(self) -> dict[str, Rollout]:
        return {piece.service: Rollout(piece.salt, False, piece.timeout_seconds) for piece in self.wish.services}


@lru_cache(maxsize=256)
def _latency(median_milliseconds: float) -> tuple[IntArray, FloatArray]:
    """The buckets of log-normal durations with this median, and the share of each."""
    normal = NormalDist(log(1000 * median_milliseconds), SPREAD)
    below = [normal.cdf(log(edge)) for edge in EDGES]
    shares = {bucket: below[bucket] - below[bucket - 1] for bucket in range(1, len(EDGES))}
    kept = {bucket: share for bucket, share in shares.items() if share > SHARE_MIN}
    total = sum(kept.values())
    return np.array(list(kept)), np.array([share / total for share in kept.values()])
