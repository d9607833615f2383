"""Open Inference v2 as JSON."""

import json
from typing import Any

import numpy as np
import pytest

from tests.serving.kit import NoDeadline, a_door, columns_signature, post
from windlass.serving.signature import ColumnSpec, Signature, TensorSpec

INFER = "/v2/models/clinic/infer"
NUMBERS = columns_signature(ColumnSpec("age", "FP64"), ColumnSpec("visits", "INT64"))
MIXED = columns_signature(ColumnSpec("age", "FP64"), ColumnSpec("city", "BYTES"))
IMAGE = Signature((TensorSpec("x", "FP32", (-1, 2)),), (TensorSpec("y", "FP32", (-1, 2)),))
AGE = {"name": "age", "datatype": "FP64", "shape": [2], "data": [1.5, 2]}
VISITS = {"name": "visits", "datatype": "INT64", "shape": [2, 1], "data": [[3], [4]]}
MATRIX = {"name": "rows", "datatype": "FP64", "shape": [2, 2], "data": [1.5, 3, 2, 4]}
X = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [[1, 2]]}


def total(frame: Any) -> dict[str, np.ndarray]:
    return {"prediction": frame["age"] + frame["visits"]}


@pytest.mark.parametrize("inputs", [[AGE, VISITS], [VISITS, AGE], [MATRIX]])
def test_columns_or_one_matrix(inputs: list[Any]) -> None:
    """A tensor per column, in any order, or all columns in one tensor of numbers are the same rows."""
    status, answer = post(a_door(NUMBERS, total), INFER, {"id": "7", "inputs": inputs})
    assert (200, "7", "clinic", "abababababab") == (
        status,
        answer["id"],
        answer["model_name"],
        answer["model_version"],
    )
    assert [{"name": "prediction", "datatype": "FP64", "shape": [2], "data": [4.5, 6.0]}] == answer["outputs"]


def test_tensors_come_and_go_with_their_shape() -> None:
    """A tensor model's outputs are flat in row-major order, with datatype and shape."""
    door = a_door(IMAGE, lambda frame: {"y": frame["x"] * 2})
    _, answer = post(door, INFER, {"inputs": [{**X, "shape": [2, 2], "data": [1, 2, 3, 4]}]})
    assert [{"name": "y", "datatype": "FP32", "shape": [2, 2], "data": [2.0, 4.0, 6.0, 8.0]}] == answer["outputs"]
    assert "id" not in answer


def test_only_wanted_outputs_are_answered() -> None:
    """A request that names outputs gets these, in its order."""
    signature = Signature(IMAGE.inputs, (TensorSpec("y", "FP32", (-1, 2)), TensorSpec("z", "FP32", (-1, 2))))
    door = a_door(signature, lambda frame: {"y": frame["x"], "z": frame["x"]})
    _, answer = post(door, INFER, {"inputs": [X], "outputs": [{"name": "z", "parameters": {"binary_data": False}}]})
    assert ["z"] == [output["name"] for output in answer["outputs"]]


def test_the_time_limit_is_in_microseconds() -> None:
    """The parameter `timeout` brings the deadline forward."""
    door, deadline = a_door(IMAGE, lambda frame: {"y": frame["x"]}), NoDeadline()
    call = door.route("POST", INFER, "r", {})
    body = {"parameters": {"timeout": 250_000}, "inputs": [X]}
    door.predict(call, json.dumps(body).encode(), deadline)
    assert 0.25 == deadline.seconds


@pytest.mark.parametrize(
    ("signature", "body", "words"),
    [
        (IMAGE, [], "expected an object"),
        (IMAGE, {}, "/inputs: expected a list of tensors"),
        (IMAGE, {"inputs": []}, "/inputs: expected a list of tensors"),
        (IMAGE, {"inputs": [X], "more": 1}, 'unknown field "more"'),
        (IMAGE, {"inputs": [{**X, "dtype": "FP32"}]}, '/inputs/0: unknown field "dtype"'),
        (IMAGE, {"inputs": [X], "id": 7}, "/id: expected a string"),
        (IMAGE, {"inputs": [X], "parameters": {"priority": 1}}, '/parameters: unknown field "priority"'),
        (IMAGE, {"inputs": [X], "parameters": {"timeout": -1}}, "expected whole microseconds"),
        (IMAGE, {"inputs": [X], "parameters": {"binary_data_output": True}}, "binary tensors are not served yet"),
        (IMAGE, {"inputs": [{**X, "parameters": {"binary_data_size": 8}}]}, "binary tensors are not served yet"),
        (IMAGE, {"inputs": [X], "outputs": [{"name": "q"}]}, 'no output "q"; the model answers "y"'),
        (IMAGE, {"inputs": [X], "outputs": {}}, "/outputs: expected a list"),
        (IMAGE, {"inputs": [X], "outputs": [{"name": "y", "parameters": {"binary_data": True}}]}, "not served yet"),
        (IMAGE, {"inputs": [X], "outputs": [{"name": "y", "parameters": {"classification": 2}}]}, "unknown field"),
        (IMAGE, {"inputs": [X], "outputs": [{"name": ["y"]}]}, "no output"),
        (IMAGE, {"inputs": [X, X]}, "an input is given twice"),
        (IMAGE, {"inputs": [{**X, "name": "q"}]}, 'expected the inputs "x", given "q"'),
        (IMAGE, {"inputs": [{**X, "name": 3}]}, "/inputs/0/name: expected a name"),
        (IMAGE, {"inputs": [{**X, "datatype": "FP64"}]}, "expected datatype FP32, given FP64"),
        (IMAGE, {"inputs": [{**X, "datatype": "FP16"}]}, "FP16 travels as binary only"),
        (IMAGE, {"inputs": [{**X, "datatype": "FLOAT"}]}, "expected one of BOOL"),
        (IMAGE, {"inputs": [{**X, "datatype": []}]}, "expected one of BOOL"),
        (IMAGE, {"inputs": [{**X, "data": 3}]}, "expected a list of values"),
        (
            IMAGE,
            {"inputs": [{**X, "shape": [1, 3], "data": [1, 2, 3]}]},
            "shape [-1, 2] (-1 is any), given [1, 3]",
        ),
        (IMAGE, {"inputs": [{**X, "shape": [-1, 2]}]}, "whole numbers from 0 on"),
        (IMAGE, {"inputs": [{**X, "shape": [True, 2]}]}, "whole numbers from 0 on"),
        (IMAGE, {"inputs": [{**X, "shape": []}]}, "a list of 1 to 16 dimensions"),
        (IMAGE, {"inputs": [{**X, "shape": [1] * 17}]}, "a list of 1 to 16 dimensions"),
        (IMAGE, {"inputs": [{**X, "shape": [2, 2**62]}]}, "expected shape"),
        (IMAGE, {"inputs": [{**X, "shape": [2, 2]}]}, "expected 2 in dimension 0 of shape [2, 2], given 1"),
        (IMAGE, {"inputs": [{**X, "shape": [0, 2], "data": []}]}, "no rows"),
        (NUMBERS, {"inputs": [AGE]}, 'column "visits": is missing'),
        (NUMBERS, {"inputs": [AGE, {**VISITS, "name": "v"}]}, 'column "visits": is missing'),
        (NUMBERS, {"inputs": [AGE, {**VISITS, "datatype": "FP64"}]}, "expected datatype INT64, given FP64"),
        (NUMBERS, {"inputs": [AGE, {**VISITS, "shape": [1, 2]}]}, "expected shape [n] or [n, 1], given [1, 2]"),
        (NUMBERS, {"inputs": [AGE, {**VISITS, "shape": [3]}]}, 'input "visits": expected 3'),
        (NUMBERS, {"inputs": [{**MATRIX, "datatype": "INT64"}]}, "expected datatype FP64, given INT64"),
        (NUMBERS, {"inputs": [{**MATRIX, "shape": [4]}]}, "expected shape [n, 2], given [4]"),
        (NUMBERS, {"inputs": [{**MATRIX, "data": [1.5, 3, 2, 4.5]}]}, 'column "visits", row 1: expected INT64'),
        (NUMBERS, {"inputs": [{**MATRIX, "data": [1.5, 3, 2]}]}, "expected 4 values for shape [2, 2], given 3"),
        (MIXED, {"inputs": [MATRIX]}, 'expected the inputs "age", "city", given "rows"'),
    ],
)
def test_refusals_are_one_sentence(signature: Signature, body: Any, words: str) -> None:
    """What does not follow the protocol or the signature is a 400 with {"error"}, naming field, expected and given."""
    status, answer = post(a_door(signature), INFER, body)
    assert 400 == status, answer
    assert ["error"] == list(answer)
    assert words in answer["error"]


def test_too_many_rows_are_refused_by_the_shape() -> None:
    """A shape of over 100,000 rows is a 413 before its data are looked at."""
    status, answer = post(a_door(IMAGE), INFER, {"inputs": [{**X, "shape": [100_001, 2], "data": []}]})
    assert (413, True) == (status, "100001 rows" in answer["error"])


def test_text_columns_of_one_kind_may_be_one_matrix() -> None:
    """All columns of one datatype may come as one tensor of it, text too."""
    signature = columns_signature(ColumnSpec("a", "BYTES"), ColumnSpec("b", "BYTES"))
    door = a_door(signature, lambda frame: {"prediction": frame["a"] + frame["b"]})
    tensor = {"name": "rows", "datatype": "BYTES", "shape": [1, 2], "data": ["x", "y"]}
    assert ["xy"] == post(door, INFER, {"inputs": [tensor]})[1]["outputs"][0]["data"]
