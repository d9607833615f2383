"""JSON values to typed arrays, without a guess: nothing is rounded, cut, parsed from text or filled in.

JSON has one number type, so a whole number is taken for a float and `3.0` for an integer; both are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from windlass.kernel.errors import clip
from windlass.serving.signature import DTYPES

_EXACT_FLOAT_MAX = 2**53
_WANTED = {"BOOL": "true or false", "BYTES": "a string", "FP32": "a number", "FP64": "a number"}


@dataclass
class Unfit(Exception):
    """The value at `index` is not what the datatype wants; `what` says expected and given."""

    index: int
    what: str


def typed_array(values: Sequence[Any], datatype: str, *, nullable: bool = False) -> np.ndarray:
    """The values as a one-dimensional array; missing ones become NaN, or None where the array holds objects.

    Raises:
        Unfit: a value does not fit the datatype, or is null where the column has no missing values.
    """
    kinds = set(map(type, values))
    if type(None) in kinds and not nullable:
        raise _unfit(values, datatype, type(None))
    kinds.discard(type(None))
    if datatype in ("FP32", "FP64"):
        return _floats(values, datatype, kinds)
    if datatype in ("BYTES", "BOOL"):
        return _objects(values, datatype, kinds)
    return _integers(values, datatype, kinds)


def _floats(values: Sequence[Any], datatype: str, kinds: set[type]) -> np.ndarray:
    for kind in kinds - {int, float}:
        raise _unfit(values, datatype, kind)
    if int in kinds:
        for index, value in enumerate(values):
            if type(value) is int and abs(value) > _EXACT_FLOAT_MAX and not _is_exact(value):
                raise Unfit(index, f"expected {datatype}, which cannot hold {clip(str(value))} exactly")
    array = np.array(values, dtype=np.float64)  # None becomes NaN
    if datatype == "FP32":
        beyond = np.abs(array) > float(np.finfo(np.float32).max)
        if beyond.any():
            index = int(np.argmax(beyond))
            raise Unfit(index, f"expected {datatype}, which cannot hold {values[index]}")
        return array.astype(np.float32)
    return array


def _is_exact(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _objects(values: Sequence[Any], datatype: str, kinds: set[type]) -> np.ndarray:
    for kind in kinds - {str if datatype == "BYTES" else bool}:
        raise _unfit(values, datatype, kind)
    if datatype == "BOOL" and None not in values:
        return np.array(values, dtype=np.bool_)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _integers(values: Sequence[Any], datatype: str, kinds: set[type]) -> np.ndarray:
    for kind in kinds - {int, float}:
        raise _unfit(values, datatype, kind)
    limits = np.iinfo(DTYPES[datatype])
    if float in kinds:
        for index, value in enumerate(values):
            if type(value) is float and not value.is_integer():
                raise Unfit(index, f"expected {datatype}, a whole number, given {value!r}")
    if None in values:
        raise Unfit(values.index(None), f"expected {datatype}, which cannot hold null")
    if values and not (limits.min <= min(values) and max(values) <= limits.max):
        index = next(i for i, value in enumerate(values) if not limits.min <= value <= limits.max)
        given = clip(str(values[index]))
        raise Unfit(index, f"expected {datatype} ({limits.min} to {limits.max}), given {given}")
    return np.array(values, dtype=DTYPES[datatype])


def _unfit(values: Sequence[Any], datatype: str, kind: type) -> Unfit:
    index = next(i for i, value in enumerate(values) if type(value) is kind)
    wanted = _WANTED.get(datatype, "a whole number")
    return Unfit(index, f"expected {datatype} ({wanted}), given {json_words(values[index])}")


def json_words(value: object) -> str:
    """A JSON value in the words of its type, clipped."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {clip(repr(value))}"
        case str():
            return f'the string "{clip(value)}"'
        case list():
            return f"an array of {len(value)}"
        case _:
            return "an object"


@dataclass
class Misshapen(Exception):
    """Nested data do not have the shape that is wanted; `what` says expected and given."""

    what: str


def flatten(data: Sequence[Any], shape: Sequence[int]) -> Sequence[Any]:
    """Row-major data, flat or nested, as a flat sequence of as many values as the shape has.

    Raises:
        Misshapen: the data have another shape.
    """
    size = 1
    for length in shape:
        size *= length
    if list not in set(map(type, data)):
        if len(data) != size:
            raise Misshapen(f"expected {size} values for shape {list(shape)}, given {len(data)}")
        return data
    level: Sequence[Any] = [data]
    for depth, length in enumerate(shape):
        for part in level:
            if type(part) is not list or len(part) != length:
                given = f"{len(part)}" if type(part) is list else json_words(part)
                raise Misshapen(f"expected {length} in dimension {depth} of shape {list(shape)}, given {given}")
        level = list(chain.from_iterable(level))
    return level


def nested_shape(data: object, rank: int) -> tuple[int, ...]:
    """The shape that nested lists seem to have, at most `rank` deep, looking at first elements only."""
    shape: list[int] = []
    while type(data) is list and len(shape) < rank:
        shape.append(len(data))
        data = data[0] if data else None
    return tuple(shape)
