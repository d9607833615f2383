"""Plain calls: an object is one row, an array is many; MLflow's four shapes work too."""

from collections.abc import Mapping
from typing import Any

from windlass.serving import answers
from windlass.serving.frames import count_rows, frame_of_columns, frame_of_rows, named
from windlass.serving.problems import Rejected
from windlass.serving.protocols.strict_json import decode
from windlass.serving.signature import Frame, Signature
from windlass.serving.values import json_words

_SHAPES = ("dataframe_split", "dataframe_records", "instances", "inputs")


def read(body: bytes, signature: Signature) -> Frame:
    """The frame of a plain request.

    Raises:
        Rejected: it does not fit the signature.
    """
    value = decode(body)
    if isinstance(value, list):
        return frame_of_rows(value, signature)
    if not isinstance(value, dict):
        raise _wrong(f"expected an object or an array, given {json_words(value)}", signature)
    shapes = [shape for shape in _SHAPES if shape in value and shape not in _own_names(signature)]
    if not shapes:
        return frame_of_rows([value], signature)
    if len(value) > 1:
        raise _wrong(f"expected exactly one of {named(_SHAPES)}, given {named(list(value))}", signature)
    return _read_shape(shapes[0], value[shapes[0]], signature)


def answer(outputs: Frame, signature: Signature, about: Mapping[str, str]) -> dict[str, Any]:
    """The answer's JSON value; `about` names release and request."""
    body: dict[str, Any] = {"predictions": answers.predictions(outputs, signature)}
    if signature.probability:
        body["probabilities"] = answers.probabilities(outputs, signature)
        body["classes"] = answers.classes(signature)
    return body | dict(about)


def _own_names(signature: Signature) -> set[str]:
    return {column.name for column in signature.columns} | {spec.name for spec in signature.inputs}


def _read_shape(shape: str, value: Any, signature: Signature) -> Frame:
    match shape:
        case "dataframe_split":
            return _read_split(value, signature)
        case "inputs":
            return _read_inputs(value, signature)
        case _:
            if not isinstance(value, list):
                raise _wrong(f"expected an array of rows, given {json_words(value)}", signature, f"/{shape}")
            return frame_of_rows(value, signature)


def _read_split(value: Any, signature: Signature) -> Frame:
    place = "/dataframe_split"
    if not isinstance(value, dict) or not {"columns", "data"} <= value.keys() <= {"columns", "data", "index"}:
        raise _wrong('expected an object with "columns" and "data" ("index" is optional)', signature, place)
    columns, data = value["columns"], value["data"]
    if not isinstance(columns, list) or set(map(type, columns)) - {str} or len(set(columns)) != len(columns):
        raise _wrong("expected an array of different column names", signature, f"{place}/columns")
    if not isinstance(data, list) or set(map(type, data)) - {list}:
        raise _wrong("expected an array of arrays", signature, f"{place}/data")
    count_rows(len(data))
    for index, row in enumerate(data):
        if len(row) != len(columns):
            raise _wrong(f"expected {len(columns)} values, given {len(row)}", signature, f"row {index}")
    if not signature.is_tabular:
        return frame_of_rows([dict(zip(columns, row, strict=True)) for row in data], signature)
    return frame_of_columns(dict(zip(columns, map(list, zip(*data, strict=True)), strict=True)), signature)


def _read_inputs(value: Any, signature: Signature) -> Frame:
    if isinstance(value, list):
        return frame_of_rows(value, signature)
    if not isinstance(value, dict) or set(map(type, value.values())) - {list}:
        raise _wrong("expected columns (an object of arrays) or one array", signature, "/inputs")
    if signature.is_tabular:
        return frame_of_columns(value, signature)
    lengths = {len(values) for values in value.values()}
    if len(lengths) != 1:
        raise _wrong("expected arrays of one length", signature, "/inputs")
    return frame_of_rows([dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)], signature)


def _wrong(what: str, signature: Signature, where: str = "") -> Rejected:
    names = [column.name for column in signature.columns] or [spec.name for spec in signature.inputs]
    remedy = f"send an object with {named(names)}, or an array of such objects"
    return Rejected(400, "bad-body", what, where=where, remedy=remedy)
