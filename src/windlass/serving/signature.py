"""A model's signature: what it takes and what it answers, stored as `signature.json` in the release.

`inputs` and `outputs` are tensors in the words of the Open Inference Protocol, -1 is the batch dimension. A model over
table rows names its `columns` too; a model over tensors has none. A classifier names its `classes` in the order of its
probability's columns. `prediction` and `probability` say which outputs those are.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.errors import UserMistake
from windlass.kernel.records import from_json, to_json

Scalar = str | int | float | bool
Frame = Mapping[str, np.ndarray]

# Datatypes of the Open Inference Protocol that JSON can carry; FP16 and BF16 travel as binary only.
DTYPES: dict[str, np.dtype] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(object),
}
BINARY_ONLY = ("FP16", "BF16")


@dataclass(frozen=True, slots=True)
class TensorSpec:
    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of a table row. `nullable`: the sample had missing values, so a request may too. `categories` are
    those of a categorical column in the sample; others are served as unseen."""

    name: str
    datatype: str
    required: bool = True
    nullable: bool = False
    categories: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...] = ()
    columns: tuple[ColumnSpec, ...] = ()
    classes: tuple[Scalar, ...] = ()
    prediction: str = ""
    probability: str = ""

    @property
    def is_tabular(self) -> bool:
        """Whether the model takes table rows."""
        return bool(self.columns)


def read_signature(path: Path) -> Signature:
    """The signature in a file.

    Raises:
        UserMistake: there is none, or it is not a signature.
    """
    try:
        return from_json(Signature, json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise UserMistake(f"no readable signature: {error}", code="bad-signature", where=str(path)) from error


def signature_bytes(signature: Signature) -> bytes:
    """The canonical JSON, as it stands in the release."""
    return canonical_bytes(to_json(signature))


def column_input(column: ColumnSpec) -> TensorSpec:
    """A column as an Open Inference input of its own."""
    return TensorSpec(column.name, column.datatype, (-1,))


def datatype_of(array: np.ndarray) -> str:
    """The Open Inference datatype of an array; empty where there is none."""
    if array.dtype.kind in "OUS":
        return "BYTES"
    return next((name for name, dtype in DTYPES.items() if dtype == array.dtype), "")
