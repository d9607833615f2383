"""Whether the canary answers later than the control, from latency histograms.

A call above an edge is an event, and the wagers on who served an event apply to it. Six edges, at the control's usual
quantiles, see slow medians and slow tails alike; their e-values are averaged with fixed weights. Comparing means or
quantiles directly was rejected: neither stays valid under repeated looks without assumptions on the distribution.

The canary's calls are held against a later edge, 10 % and 5 ms more. The null "a canary call exceeds the tolerated edge
at most as often as a control call exceeds the edge" holds for every canary that is at most that much slower, so both
wagers keep their error rates.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from windlass.maths.counts import IntArray
from windlass.maths.edges import (
    EDGE_WEIGHTS,
    Histogram,
    perhaps_above,
    surely_above,
    tolerated_edge_microseconds,
)
from windlass.maths.evidence import mean_log_e
from windlass.maths.wagers import RATIO_NI, Arms, common_harm_log_es, harm_log_es, safety_log_e

USUAL_ABOVE = (0.5, 0.25, 0.1, 0.05, 0.01, 0.001)  # the control's rate above each edge
COMMON_ABOVE = 0.05  # above this rate the calls below the edge tell something too
_COMMON = sum(usual > COMMON_ABOVE for usual in USUAL_ABOVE)  # the first ones, because the rates fall
SAFETY_EDGE = 2  # p90: rare enough to be the tail, common enough to be judged within minutes


@dataclass(frozen=True, slots=True)
class LatencyStep:
    """The calls of one step of a rollout, not added up over steps.

    `edges` are those of `choose_edges`, in microseconds, fixed when the step began; empty if no control call was known
    then, and the step says nothing.
    """

    share: float
    edges: tuple[int, ...]
    canary: Histogram
    control: Histogram


def latency_harm_log_e(steps: Sequence[LatencyStep]) -> float:
    """Evidence that the canary is more than 10 % and 5 ms slower at some quantile.

    Returns:
        The natural logarithm of the e-value; 0 without calls or edges.

    Raises:
        ValueError: a share is outside (0, 1), or a step has some edges but not six.
    """
    used = [step for step in steps if step.edges]
    if not used:
        return 0.0
    share = [step.share for step in used]
    slow = [_slow(used, which, surely_above) for which in range(len(USUAL_ABOVE))]
    canary, control = (np.array(counts, dtype=np.int64) for counts in zip(*slow, strict=True))
    common = Arms(canary[:_COMMON], control[:_COMMON])
    quiet = Arms(
        _calls(step.canary for step in used) - common.canary, _calls(step.control for step in used) - common.control
    )
    usual = np.repeat(USUAL_ABOVE[:_COMMON], len(used)).reshape(_COMMON, len(used))
    on_common = common_harm_log_es(common, quiet, share, usual)
    on_rare = harm_log_es(canary[_COMMON:], control[_COMMON:], share)
    return mean_log_e(EDGE_WEIGHTS, [*on_common.tolist(), *on_rare.tolist()])


def latency_safety_log_e(steps: Sequence[LatencyStep], ratio_ni: float = RATIO_NI) -> float:
    """Evidence that fewer than `ratio_ni` times as many canary calls are slow, judged at the p90 edge.

    The tolerance is that of the harm wager: with a stricter one, a canary could be too slow to advance and not slow
    enough to go back.

    Returns:
        The natural logarithm of the e-value; 0 without calls or edges.

    Raises:
        ValueError: a share is outside (0, 1), or a step has some edges but not six.
    """
    used = [step for step in steps if step.edges]
    canary, control = _slow(used, SAFETY_EDGE, perhaps_above)
    return safety_log_e(canary, control, [step.share for step in used], ratio_ni)


def _slow(
    steps: Sequence[LatencyStep], which: int, above: Callable[[Histogram, int], int]
) -> tuple[list[int], list[int]]:
    canary, control = [], []
    for step in steps:
        if len(step.edges) != len(EDGE_WEIGHTS):
            raise ValueError(f"a step has {len(step.edges)} latency edges instead of {len(EDGE_WEIGHTS)}")
        edge = step.edges[which]
        canary.append(above(step.canary, tolerated_edge_microseconds(edge)))
        control.append(above(step.control, edge))
    return canary, control


def _calls(histograms: Iterable[Histogram]) -> IntArray:
    return np.array([sum(buckets.values()) for buckets in histograms], dtype=np.int64)
