"""What counts, shares and measured values must look like before anything is computed from them.

Counts are whole numbers up to 10^15, which floats hold exactly; a float that happens to be whole is refused, because a
count that became a float has usually been averaged or scaled on the way.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = Sequence[int] | npt.NDArray[np.int64]
Floats: TypeAlias = Sequence[float] | npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]

COUNT_MAX = 10**15
SHORT = 32  # a row that plain Python checks faster than numpy does: one number for each step of a rollout


def whole(name: str, values: Ints | Sequence[Ints]) -> IntArray:
    """The counts as an array.

    Raises:
        ValueError: a value is negative, above 10^15 or no whole number; the message names `name`.
    """
    if _is_short_row(values):
        return np.array(values, dtype=np.int64)
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name}: counts must be whole numbers, got {array.dtype.name}")
    if array.min() < 0:
        raise ValueError(f"{name}: a count is negative ({int(array.min())})")
    if array.max() > COUNT_MAX:
        raise ValueError(f"{name}: a count is above 10^15 ({int(array.max())})")
    return array.astype(np.int64)


def numbers(name: str, values: Ints) -> tuple[int, ...]:
    """One row of counts as plain numbers.

    Raises:
        ValueError: a value is negative, above 10^15 or no whole number, or the values are no plain row.
    """
    if _is_short_row(values):
        return tuple(values)
    array = whole(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one number for each step, got shape {array.shape}")
    return tuple(array.tolist())


def _is_short_row(values: Ints | Sequence[Ints]) -> bool:
    """Whether plain Python has seen that these are counts."""
    if type(values) not in (list, tuple) or not 0 < len(values) <= SHORT:
        return False
    return all(type(value) is int and 0 <= value <= COUNT_MAX for value in values)


def real(name: str, values: Floats) -> FloatArray:
    """The values as a one-dimensional array of finite floats.

    Raises:
        ValueError: a value is NaN or infinite, or the values are no plain row of numbers.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one row of values, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: a value is not finite at position {int(np.argmin(np.isfinite(array)))}")
    return array


def inside(name: str, value: float, low: float, high: float) -> float:
    """The value, if it lies strictly between `low` and `high`.

    Raises:
        ValueError: it does not, or it is not a number.
    """
    if not low < value < high:
        raise ValueError(f"{name}: must lie between {low:g} and {high:g} (both excluded), got {value!r}")
    return float(value)


def at_least_one(name: str, value: float) -> float:
    """The value, if it is finite and at least 1.

    Raises:
        ValueError: it is not.
    """
    if not 1.0 <= value < np.inf:
        raise ValueError(f"{name}: must be at least 1, got {value!r}")
    return float(value)
