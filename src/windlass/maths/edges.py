"""A fixed histogram of durations, and the edges at which two releases are compared.

Buckets are 8 % apart from one microsecond to an hour and the same everywhere, so the counts of replicas, sites and
hours add up. Their edges are whole microseconds made by whole-number arithmetic: every machine puts a call into the
same bucket. Sketches that adapt to the data were rejected, because two of them cannot be compared edge by edge.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeAlias

Histogram: TypeAlias = Mapping[int, int]

HOUR_MICROSECONDS = 3_600_000_000
STEP_NUMERATOR, STEP_DENOMINATOR = 108, 100  # an edge is wrong by at most 8 %, and there are only 267 buckets
LATENCY_QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
EDGE_WEIGHTS = (0.1, 0.1, 0.15, 0.2, 0.35, 0.1)  # most on p99, which users notice first
TOLERATED_SLOWER_PERCENT = 10
TOLERATED_SLOWER_MICROSECONDS = 5_000


def _edges() -> tuple[int, ...]:
    edges = [1]
    power = 0
    while edges[-1] < HOUR_MICROSECONDS:
        power += 1
        edge = -(-(STEP_NUMERATOR**power) // STEP_DENOMINATOR**power)
        if edge > edges[-1]:
            edges.append(edge)
    return tuple(edges)


EDGES = _edges()
BUCKETS = len(EDGES) + 1  # the last holds what took longer than the last edge


def bucket_of(microseconds: int) -> int:
    """The bucket of a duration: the first whose upper edge is not below it.

    Raises:
        ValueError: the duration is negative.

    >>> bucket_of(1), bucket_of(2), bucket_of(3)
    (0, 1, 2)
    """
    if microseconds < 0:
        raise ValueError(f"a duration is negative ({microseconds} microseconds)")
    return bisect_left(EDGES, microseconds)


def bucket_bounds(bucket: int) -> tuple[int, int | None]:
    """The lower edge (excluded) and the upper edge (included, None in the last bucket), in microseconds.

    Raises:
        ValueError: there is no such bucket.

    >>> bucket_bounds(2)
    (2, 3)
    """
    if not 0 <= bucket < BUCKETS:
        raise ValueError(f"there is no latency bucket {bucket}; they are 0 to {BUCKETS - 1}")
    lower = EDGES[bucket - 1] if bucket > 0 else -1
    return (lower, EDGES[bucket] if bucket < len(EDGES) else None)


def histogram(microseconds: Iterable[int]) -> dict[int, int]:
    """Durations counted by bucket, sorted by bucket.

    >>> histogram([1, 3, 3])
    {0: 1, 2: 2}
    """
    return dict(sorted(Counter(bucket_of(value) for value in microseconds).items()))


def surely_above(buckets: Histogram, microseconds: int) -> int:
    """The calls that certainly took longer; exact if `microseconds` is an edge.

    >>> surely_above({0: 1, 2: 2}, 2)
    2
    """
    first = bucket_of(microseconds) + 1
    return sum(count for bucket, count in buckets.items() if bucket >= first)


def perhaps_above(buckets: Histogram, microseconds: int) -> int:
    """The calls that may have taken longer; exact if `microseconds` is an edge.

    >>> perhaps_above({0: 1, 2: 2}, 2)
    2
    """
    first = bucket_of(microseconds)
    if first < len(EDGES) and EDGES[first] == microseconds:
        first += 1
    return sum(count for bucket, count in buckets.items() if bucket >= first)


def quantile(buckets: Histogram, p: float) -> int | None:
    """The upper edge of the bucket that holds the p-quantile, in microseconds; None without calls.

    A quantile beyond the last edge is shown as the last edge.

    Raises:
        ValueError: `p` is not inside (0, 1).
    """
    if not 0.0 < p < 1.0:
        raise ValueError(f"p: a quantile lies between 0 and 1 (both excluded), got {p!r}")
    total = sum(buckets.values())
    seen = 0
    for bucket, count in sorted(buckets.items()):
        seen += count
        if count and seen >= p * total:
            return EDGES[min(bucket, len(EDGES) - 1)]
    return None


def choose_edges(control: Histogram) -> tuple[int, ...]:
    """The edges nearest the control's p50, p75, p90, p95, p99 and p99.9, in microseconds; empty without calls.

    They are fixed when a step begins, from calls that had ended by then. Edges chosen from the calls they judge would
    void the wager.
    """
    total = sum(control.values())
    if total == 0:
        return ()
    above = total
    shares: list[float] = []
    for bucket in range(len(EDGES)):
        above -= control.get(bucket, 0)
        shares.append(above / total)
    falling = [-share for share in shares]
    return tuple(EDGES[_nearest(falling, 1.0 - p)] for p in LATENCY_QUANTILES)


def _nearest(falling: list[float], wanted: float) -> int:
    """Where the share above an edge is nearest to the wanted one; of equally near places the lowest.

    `falling` holds the shares negated, so that they rise and can be searched by halves.
    """
    after = bisect_left(falling, -wanted)
    places = [bisect_left(falling, falling[after - 1])] if after else []
    places += [after] if after < len(falling) else []
    return min(places, key=lambda place: (abs(-falling[place] - wanted), place))


def tolerated_edge_microseconds(edge: int) -> int:
    """What the canary's calls are held against where the control's are held against `edge`: 10 % and 5 ms more.

    A new release meets cold caches, so a canary that is this little slower is not called harmful
    (`docs/decisions/0001-latency-tolerance.md`).

    >>> tolerated_edge_microseconds(100_000)
    115000
    """
    return edge + edge * TOLERATED_SLOWER_PERCENT // 100 + TOLERATED_SLOWER_MICROSECONDS
