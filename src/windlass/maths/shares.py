"""The arithmetic under every wager on who served an event.

Steps whose keys (share, usual rate) are equal are added up first, as whole numbers and in sorted order: however the
counts were split over replicas, sites and reports, the result is the same to the last bit.
"""

from functools import lru_cache

import numpy as np

from windlass.maths.counts import SHORT, FloatArray, Floats, IntArray, Ints, numbers
from windlass.maths.evidence import log_sum_exp


def one_row(name: str, counts: Ints) -> IntArray:
    """Counts per step as a table with one row.

    Raises:
        ValueError: they are no plain row of whole numbers.
    """
    return np.array([numbers(name, counts)], dtype=np.int64)


def shares_of(name: str, values: Floats) -> FloatArray:
    """Shares per step.

    Raises:
        ValueError: one is NaN or not strictly between 0 and 1, or they are no plain row.
    """
    is_short = type(values) in (list, tuple) and 0 < len(values) <= SHORT
    if is_short and all(type(value) is float and 0.0 < value < 1.0 for value in values):
        return np.array(values, dtype=np.float64)
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not ((array > 0.0) & (array < 1.0)).all():
        raise ValueError(f"{name}: each must lie between 0 and 1 (both excluded), got {array.tolist()!r:.200}")
    return array


def added_up(tables: list[IntArray], keys: list[FloatArray]) -> tuple[list[IntArray], list[FloatArray]]:
    """Add the columns of each table whose keys are equal; columns come back sorted by key.

    Args:
        tables: counts of shape (metrics, steps).
        keys: rows of shape (steps,).

    Raises:
        ValueError: the number of steps differs between them.
    """
    steps = keys[0].shape[0]
    if any(table.shape != tables[0].shape or table.ndim != 2 for table in tables) or any(
        part.shape[-1] != steps for part in (*tables, *keys)
    ):
        shapes = ", ".join(str(part.shape) for part in (*tables, *keys))
        raise ValueError(f"counts and shares must have one number for each step, got shapes {shapes}")
    if steps < 2:
        return tables, keys
    order = np.lexsort(keys[::-1])
    sorted_keys = [key[order] for key in keys]
    fresh = np.any([np.diff(key) != 0.0 for key in sorted_keys], axis=0)
    starts = np.concatenate([[0], np.flatnonzero(fresh) + 1])
    return (
        [np.add.reduceat(table[:, order], starts, axis=1) for table in tables],
        [key[starts] for key in sorted_keys],
    )


def share_log_es(
    tables: list[IntArray], share: FloatArray, ratio_null: float, tilts: FloatArray, log_weights: FloatArray
) -> FloatArray:
    """The mixture over `tilts` of wagers that the canary's odds of an event are `tilt` times those of the null.

    An event falls on the canary with chance th(r) = w r / (w r + 1 - w), r the ratio of rates. The null has
    r = `ratio_null`, the bet has `ratio_null * tilt`; events multiply the factors th1/th0 and (1 - th1)/(1 - th0).

    Args:
        tables: events on canary and control, each of shape (metrics, steps), added up by share.
        share: canary's share w for each step.
        ratio_null: the null's ratio of rates.
        tilts: what the bets multiply it with.
        log_weights: logarithms of the money on each tilt.
    """
    canary, control = tables
    on_canary, on_control = _payoffs(tuple(share.tolist()), ratio_null, tuple(tilts.tolist()))
    logs = (canary[:, :, None] * on_canary + control[:, :, None] * on_control).sum(axis=1)
    return log_sum_exp(log_weights + logs)


@lru_cache(maxsize=1024)
def _payoffs(shares: tuple[float, ...], ratio_null: float, bets: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    """The logarithms of what an event on the canary and on the control multiplies each bet with, for each step. They
    stay the same for a whole rollout, while the counts change each second."""
    share, tilts = np.array(shares), np.array(bets)
    scaled = share * ratio_null
    on_control = -np.log1p(np.multiply.outer(scaled / (scaled + (1.0 - share)), tilts - 1.0))
    return np.log(tilts) + on_control, on_control
