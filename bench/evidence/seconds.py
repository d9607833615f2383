"""The harm evidence at each second of a step, all seconds in one call of the vectorised wagers."""

from collections.abc import Sequence

import numpy as np

from bench.evidence.worlds import FIRST_BUCKET, Counts, Seconds
from windlass.delivery.rollouts.evidence import Stage
from windlass.facts.counts import Tally
from windlass.maths.counts import FloatArray
from windlass.maths.edges import EDGE_WEIGHTS, bucket_of, surely_above, tolerated_edge_microseconds
from windlass.maths.latency import COMMON_ABOVE, USUAL_ABOVE
from windlass.maths.stakes import HARM_STAKES
from windlass.maths.wagers import Arms, common_harm_log_es, harm_log_es

LOG_MAX = 50.0


def harm_each_second(stages: Sequence[Stage], canary: Seconds, control: Seconds, seconds: int) -> FloatArray:
    """The harm e-value at each of the last seconds of the last stage, families joined by their stakes.

    Args:
        stages: all stages so far; of the last one only share and edges are used.
        canary: the canary's seconds of the last stage.
        control: the control's.
        seconds: how many of the last seconds to weigh.
    """
    share = [stage.share for stage in stages]
    errors = [
        _growing([tally.failed for tally in past], now.errors, seconds)
        for past, now in zip(_tallies(stages), (canary, control), strict=True)
    ]
    joined = HARM_STAKES["errors"] * _e_values(harm_log_es(errors[0], errors[1], share))
    for which, weight in enumerate(EDGE_WEIGHTS):
        joined = joined + HARM_STAKES["latency"] * weight * _e_values(_slow(stages, (canary, control), which, seconds))
    return joined


def _slow(stages: Sequence[Stage], arms: tuple[Seconds, Seconds], which: int, seconds: int) -> FloatArray:
    share, edge = [stage.share for stage in stages], stages[-1].edges[which]
    slow, quick = [], []
    for past, now, beyond in zip(_tallies(stages), arms, (tolerated_edge_microseconds(edge), edge), strict=True):
        above = _growing(
            [surely_above(tally.latency, beyond) for tally in past],
            now.latency[:, bucket_of(beyond) + 1 - FIRST_BUCKET :].sum(axis=1),
            seconds,
        )
        slow.append(above)
        quick.append(_growing([tally.requests for tally in past], now.requests, seconds) - above)
    if USUAL_ABOVE[which] <= COMMON_ABOVE:
        return harm_log_es(slow[0], slow[1], share)
    return common_harm_log_es(Arms(*slow), Arms(*quick), share, [USUAL_ABOVE[which]] * len(share))


def _tallies(stages: Sequence[Stage]) -> tuple[list[Tally], list[Tally]]:
    """What canary and control counted in the stages before the last one."""
    return [stage.canary.finished for stage in stages[:-1]], [stage.control.finished for stage in stages[:-1]]


def _growing(past: list[int], now: Counts, seconds: int) -> Counts:
    """One row for each second: the counts of the stages before, then those of the last stage up to that second."""
    return np.column_stack([*(np.full(seconds, count) for count in past), now.cumsum()[-seconds:]]).astype(np.int64)


def _e_values(log_es: FloatArray) -> FloatArray:
    return np.asarray(np.exp(np.minimum(log_es, LOG_MAX)), dtype=np.float64)
