"""JSON values become arrays exactly, or not at all."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.serving.signature import DTYPES
from windlass.serving.values import Misshapen, Unfit, flatten, json_words, typed_array

INTEGERS = [name for name in DTYPES if "INT" in name]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_survive(values: list[float]) -> None:
    """A double that was sent as JSON is the same double in the model's array, bit for bit."""
    array = typed_array(msgspec.json.decode(msgspec.json.encode(values)), "FP64")
    assert [value.hex() for value in values if value] == [value.hex() for value in array.tolist() if value]


@pytest.mark.parametrize("datatype", INTEGERS)
def test_integers_keep_to_their_range(datatype: str) -> None:
    """The ends of an integer type's range are taken, one beyond is refused at its index."""
    limits = np.iinfo(DTYPES[datatype])
    low, high = int(limits.min), int(limits.max)
    assert [low, high] == typed_array([low, high], datatype).tolist()
    for beyond in (low - 1, high + 1):
        with pytest.raises(Unfit) as caught:
            typed_array([low, beyond], datatype)
        assert caught.value.index == 1


@pytest.mark.parametrize(
    ("values", "datatype", "index"),
    [
        ([1.0, None], "FP64", 1),
        ([True], "FP64", 0),
        (["1"], "FP64", 0),
        ([[1.0]], "FP64", 0),
        ([{}], "FP64", 0),
        ([1, 2**53 + 1], "FP64", 1),
        ([10**400], "FP64", 0),
        ([1e39], "FP32", 0),
        ([1, 2.5], "INT64", 1),
        ([1, True], "INT64", 1),
        ([None], "INT64", 0),
        ([1e300], "INT64", 0),
        (["a", 1], "BYTES", 1),
        (["a", None], "BYTES", 1),
        ([True, 1], "BOOL", 1),
        ([True, None], "BOOL", 1),
    ],
)
def test_nothing_is_coerced(values: list[Any], datatype: str, index: int) -> None:
    """A value that does not fit is refused, and the refusal names its place."""
    with pytest.raises(Unfit) as caught:
        typed_array(values, datatype)
    assert index == caught.value.index
    assert f"expected {datatype}" in caught.value.what


def test_exact_values_are_taken() -> None:
    """JSON has one number type: a whole number is a float too, and `3.0` is an integer."""
    assert [1.0, 2.5, 2.0**60] == typed_array([1, 2.5, 2**60], "FP64").tolist()
    assert [3, -4] == typed_array([3.0, -4], "INT64").tolist()
    assert np.float32(0.1) == typed_array([0.1], "FP32")[0]


def test_missing_values_are_missing() -> None:
    """Where a column has missing values, null becomes NaN among numbers and None among text; an integer has none."""
    assert math.isnan(typed_array([None, 1.0], "FP64", nullable=True)[0])
    assert [None, "a"] == typed_array([None, "a"], "BYTES", nullable=True).tolist()
    assert [None, True] == typed_array([None, True], "BOOL", nullable=True).tolist()
    with pytest.raises(Unfit) as caught:
        typed_array([1, None], "INT64", nullable=True)
    assert caught.value.index == 1


@pytest.mark.parametrize(
    ("data", "shape"),
    [([1, 2, 3], [2]), ([[1], [2, 3]], [2, 1]), ([[1], 2], [2, 1]), ([], [1]), ([[1, 2]], [2, 1])],
)
def test_other_shapes_are_refused(data: list[Any], shape: list[int]) -> None:
    """Flat or nested data that do not have the shape they claim are refused before they are used."""
    with pytest.raises(Misshapen):
        flatten(data, shape)


def test_flat_and_nested_data_are_the_same() -> None:
    """Row-major data may be flat or nested."""
    assert [1, 2, 3, 4] == list(flatten([[1, 2], [3, 4]], [2, 2])) == list(flatten([1, 2, 3, 4], [2, 2]))


def test_words_of_values() -> None:
    """A refused value is named by its JSON type, with a clipped look at it."""
    values: list[Any] = [None, True, 2, "a", [1], {}]
    expected = ["null", "true", "the number 2", 'the string "a"', "an array of 1", "an object"]
    assert expected == [json_words(value) for value in values]
    assert len(json_words("x" * 10_000)) < 250
