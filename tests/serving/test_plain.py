"""Plain calls: rows in every shape that callers know."""

from typing import Any

import numpy as np
import pytest

from tests.serving.kit import a_door, columns_signature, post
from windlass.serving.door import Door
from windlass.serving.signature import ColumnSpec, Signature, TensorSpec

SIGNATURE = columns_signature(ColumnSpec("age", "FP64"), ColumnSpec("city", "BYTES", nullable=True))


def echo() -> Door:
    """A door whose model answers each row as text, so that a test sees what reached it."""

    def answer(frame: Any) -> dict[str, Any]:
        return {"prediction": [f"{age}/{city}" for age, city in zip(frame["age"], frame["city"], strict=True)]}

    return a_door(SIGNATURE, answer)


@pytest.mark.parametrize(
    "body",
    [
        [{"age": 1, "city": "a"}, {"city": None, "age": 2.5}],
        [[1, "a"], [2.5, None]],
        {"dataframe_split": {"columns": ["city", "age"], "data": [["a", 1], [None, 2.5]]}},
        {"dataframe_split": {"index": [7, 8], "columns": ["age", "city"], "data": [[1, "a"], [2.5, None]]}},
        {"dataframe_records": [{"age": 1, "city": "a"}, {"age": 2.5, "city": None}]},
        {"instances": [[1, "a"], [2.5, None]]},
        {"instances": [{"age": 1, "city": "a"}, {"age": 2.5, "city": None}]},
        {"inputs": {"city": ["a", None], "age": [1, 2.5]}},
        {"inputs": [[1, "a"], [2.5, None]]},
    ],
)
def test_every_shape_is_the_same_rows(body: Any) -> None:
    """Rows, arrays and MLflow's four shapes reach the model as the same rows."""
    assert (200, ["1.0/a", "2.5/None"]) == (lambda found: (found[0], found[1]["predictions"]))(
        post(echo(), "/predict/clinic", body)
    )


def test_an_object_is_one_row() -> None:
    """A bare object is answered with one prediction, the release and the request's id."""
    status, answer = post(echo(), "/predict/clinic", {"age": 1, "city": "a"})
    assert (200, {"predictions": ["1.0/a"], "release": "abababababab", "request_id": "req-1"}) == (status, answer)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "no rows"),
        ({}, 'columns "age", "city": are missing; the model takes "age", "city"'),
        ({"age": 1}, 'column "city": is missing'),
        ({"age": 1, "city": "a", "x": 1}, 'column "x": is not known; the model takes "age", "city"'),
        ({"age": 1, "city": "a", "x": 1, "y": 2}, 'columns "x", "y": are not known'),
        ({"aeg": 1, "city": "a"}, 'column "age": is missing, and "aeg" is not known; did you mean "age"?'),
        ({"age": 1, "x": 1, "y": 2}, 'column "city": is missing, and "x", "y" are not known; the model takes "age"'),
        ({"age": 1, "city": "a", "citty": 1}, 'column "citty": is not known; did you mean "city"?'),
        ([{"age": 1, "city": "a"}, {"age": 1}], 'column "city", row 1: is missing'),
        ([{"age": None, "city": "a"}], 'column "age", row 0: expected FP64 (a number), given null'),
        ([{"age": 1, "city": "a"}, {"age": "1", "city": "a"}], 'column "age", row 1: expected FP64'),
        ([[1]], "row 0: expected 2 values, given 1"),
        ([[1, "a"], {"age": 1, "city": "a"}], "row 1: expected an array, given an object"),
        ([1], "expected an object with the columns, given the number 1"),
        (3, "expected an object or an array, given the number 3"),
        ({"instances": 3}, "expected an array of rows"),
        ({"instances": [[1, "a"]], "params": {}}, "expected exactly one of"),
        ({"dataframe_split": []}, '"columns" and "data"'),
        ({"dataframe_split": {"columns": ["age", "age"], "data": []}}, "different column names"),
        ({"dataframe_split": {"columns": ["age", "city"], "data": [1]}}, "array of arrays"),
        ({"dataframe_split": {"columns": ["age", "city"], "data": [[1]]}}, "row 0: expected 2 values, given 1"),
        ({"dataframe_split": {"columns": ["age", "city"], "data": []}}, "no rows"),
        ({"inputs": {"age": 1, "city": 2}}, "an object of arrays"),
        ({"inputs": {"age": [1, 2], "city": ["a"]}}, 'column "city": has 1 values, another column has 2'),
    ],
)
def test_refusals_name_the_place(body: Any, words: str) -> None:
    """A body that does not fit is a 400 that names column and row, expected and given."""
    status, problem = post(echo(), "/predict/clinic", body)
    assert (400, 400) == (status, problem["status"])
    assert words in problem["detail"]


def test_classifiers_answer_probabilities() -> None:
    """Where the model knows probabilities they stand beside the predictions, with the classes of their columns."""
    signature = Signature((), (), (ColumnSpec("age", "FP64"),), ("no", "yes"), "label", "chance")
    door = a_door(signature, lambda frame: {"label": np.array(["no"]), "chance": np.array([[0.25, 0.75]])})
    _, answer = post(door, "/predict/clinic", {"age": 1})
    assert (["no"], [[0.25, 0.75]], ["no", "yes"]) == (
        answer["predictions"],
        answer["probabilities"],
        answer["classes"],
    )


def test_the_most_probable_class_is_the_prediction() -> None:
    """A model that answers probabilities alone is read by its classes."""
    signature = Signature((), (), (ColumnSpec("age", "FP64"),), ("no", "yes"), "", "chance")
    door = a_door(signature, lambda frame: {"chance": np.array([[0.25, 0.75]])})
    assert ["yes"] == post(door, "/predict/clinic", {"age": 1})[1]["predictions"]


def test_several_outputs_are_an_object_a_row() -> None:
    """A model without a named prediction answers an object of its outputs for each row."""
    signature = Signature((), (), (ColumnSpec("age", "FP64"),))
    door = a_door(signature, lambda frame: {"low": np.array([[1.0]]), "high": np.array([2.0])})
    assert [{"low": 1.0, "high": 2.0}] == post(door, "/predict/clinic", {"age": 1})[1]["predictions"]


TENSORS = Signature((TensorSpec("x", "FP32", (-1, 2, 2)), TensorSpec("n", "INT64", (-1,))))
ONE_TENSOR = Signature((TensorSpec("x", "FP32", (-1, 2)),))


@pytest.mark.parametrize(
    "body",
    [
        {"x": [[1, 2], [3, 4]], "n": 5},
        [{"x": [[1, 2], [3, 4]], "n": 5}],
        {"inputs": {"x": [[[1, 2], [3, 4]]], "n": [5]}},
        {"dataframe_split": {"columns": ["n", "x"], "data": [[5, [[1, 2], [3, 4]]]]}},
    ],
)
def test_tensor_models_take_rows_too(body: Any) -> None:
    """A model over tensors is asked row by row, an object with a value per input."""
    door = a_door(TENSORS, lambda frame: {"sum": frame["x"].sum(axis=(1, 2)) + frame["n"]})
    assert (200, [15.0]) == (lambda found: (found[0], found[1]["predictions"]))(post(door, "/predict/clinic", body))


def test_one_tensor_needs_no_name() -> None:
    """Where there is one input, a row is its bare value."""
    door = a_door(ONE_TENSOR, lambda frame: {"sum": frame["x"].sum(axis=1)})
    assert [3.0, 7.0] == post(door, "/predict/clinic", {"instances": [[1, 2], [3, 4]]})[1]["predictions"]


@pytest.mark.parametrize(
    ("signature", "body", "words"),
    [
        (TENSORS, [[1]], "expected an object with the inputs"),
        (TENSORS, {"x": [[1, 2], [3, 4]]}, 'expected the inputs "x", "n"'),
        (TENSORS, {"x": [[1, 2]], "n": 1}, "expected shape [-1, 2, 2]"),
        (TENSORS, {"inputs": {"x": [[[1, 2], [3, 4]]], "n": []}}, "arrays of one length"),
        (ONE_TENSOR, [[1, 2], [3]], "expected 2 in dimension 1 of shape [2, 2], given 1"),
        (ONE_TENSOR, [[1, "a"]], 'input "x", row 0, index [0, 1]: expected FP32 (a number), given the string "a"'),
        (Signature((TensorSpec("x", "FP32", (-1, -1)),)), [[]], "holds no value"),
    ],
)
def test_tensor_refusals_name_the_place(signature: Signature, body: Any, words: str) -> None:
    """A tensor that does not fit is a 400 with its shape and the index of the value."""
    status, problem = post(a_door(signature), "/predict/clinic", body)
    assert (400, True) == (status, words in problem["detail"]), problem


def test_a_column_that_is_not_required_may_be_left_out() -> None:
    """A column that is not required is missing where no row has it; rows that differ in it are refused."""
    signature = columns_signature(ColumnSpec("age", "FP64"), ColumnSpec("note", "BYTES", required=False, nullable=True))
    door = a_door(signature, lambda frame: {"prediction": [str(note) for note in frame["note"]]})
    assert ["None"] == post(door, "/predict/clinic", {"age": 1})[1]["predictions"]
    assert ["a"] == post(door, "/predict/clinic", {"age": 1, "note": "a"})[1]["predictions"]
    status, problem = post(door, "/predict/clinic", [{"age": 1}, {"age": 1, "note": "a"}])
    assert (400, True) == (status, 'row 1: has other columns than row 0: "note"' in problem["detail"])
