"""What a model answered, checked and turned into JSON values: one value per row, no NaN, no foreign type."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from windlass.serving.problems import ModelFailed
from windlass.serving.signature import Frame, Scalar, Signature, datatype_of

_JSON_KINDS = {str: "BYTES", bool: "BOOL", int: "INT64", float: "FP64"}


def settle(raw: Mapping[str, Any], rows: int) -> dict[str, np.ndarray]:
    """The model's outputs as arrays of known types with one value (or vector) per row.

    Raises:
        ModelFailed: an output has another number of rows, a NaN or infinity, or a type that no answer can carry.
    """
    return {name: _settled(name, value, rows) for name, value in raw.items()}


def predictions(outputs: Frame, signature: Signature) -> list[Any]:
    """One JSON value per row: the output that the signature calls the prediction, else the most probable class, else
    the only output, else an object of all outputs."""
    if signature.prediction:
        return list(_flat(outputs[signature.prediction]).tolist())
    if signature.probability:
        best = np.argmax(outputs[signature.probability], axis=1)
        return [signature.classes[index] for index in best]
    columns = {name: _flat(array).tolist() for name, array in outputs.items()}
    if len(columns) == 1:
        return next(iter(columns.values()))
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def probabilities(outputs: Frame, signature: Signature) -> list[list[float]] | None:
    """The probability of each class per row, or None where the model has none."""
    return outputs[signature.probability].tolist() if signature.probability else None


def classes(signature: Signature) -> list[Scalar] | None:
    """The classes in the order of the probability's columns, or None."""
    return list(signature.classes) or None


def _flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(len(array)) if array.shape[1:] == (1,) else array


def _settled(name: str, value: Any, rows: int) -> np.ndarray:
    array = np.asarray(value)
    if array.ndim == 0 or len(array) != rows:
        found = len(array) if array.ndim else "one value"
        raise ModelFailed(f"the model answered {found} for {rows} rows", where=f'output "{name}"')
    if array.dtype.kind == "O":
        array = _objects(name, array)
    if array.dtype.kind in "US":
        array = np.array([_text(item) for item in array.ravel()], dtype=object).reshape(array.shape)
    if array.dtype.kind == "f":
        finite = np.isfinite(array)
        if not finite.all():
            row = int(np.argmin(finite.reshape(rows, -1).all(axis=1)))
            raise ModelFailed("the model answered NaN or infinity", where=f'output "{name}", row {row}')
    if array.dtype == np.float16:
        return array.astype(np.float32)  # exact, and JSON can carry it
    if not datatype_of(array):
        raise ModelFailed(f"the model answered the type {array.dtype}", where=f'output "{name}"')
    return array


def _objects(name: str, array: np.ndarray) -> np.ndarray:
    """An array of objects by what they are: all text, all numbers or all booleans."""
    items = [item.item() if isinstance(item, np.generic) else item for item in array.ravel()]
    kinds = set(map(type, items)) - {bytes}
    kinds |= {str} if len(kinds) < len(set(map(type, items))) else set()
    if kinds == {int, float}:
        kinds = {float}
    if len(kinds) != 1 or (kind := kinds.pop()) not in _JSON_KINDS:
        named = " and ".join(sorted(item.__name__ for item in kinds | set(map(type, items))))
        raise ModelFailed(f"the model answered values of the type {named}", where=f'output "{name}"')
    if kind is str:
        texts = np.empty(len(items), dtype=object)
        texts[:] = [_text(item) for item in items]
        return texts.reshape(array.shape)
    try:
        return np.array(items, dtype={bool: np.bool_, int: np.int64, float: np.float64}[kind]).reshape(array.shape)
    except OverflowError:
        raise ModelFailed("the model answered a whole number over 64 bits", where=f'output "{name}"') from None


def _text(item: Any) -> str:
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
