"""ONNX models through onnxruntime, on one thread: replicas scale by processes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from windlass.kernel.errors import UserMistake, clip
from windlass.serving.frames import rows_of
from windlass.serving.problems import ModelFailed
from windlass.serving.runtimes import Model, Source
from windlass.serving.runtimes.data_frames import matrix
from windlass.serving.runtimes.onnx_files import OnnxFacts, look
from windlass.serving.runtimes.tabular import tabular_signature, wrong_width
from windlass.serving.signature import DTYPES, ColumnSpec, Frame, Scalar, Signature, TensorSpec
from windlass.serving.tables import TableColumns

_DATATYPES = {
    "tensor(bool)": "BOOL",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
    **{f"tensor({sign}int{bits})": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def load(source: Source) -> Model:
    """Load a model file.

    Raises:
        UserMistake: it is no ONNX model, or takes what a request cannot carry.
        Refused: it names external data outside its own folder.
    """
    import onnxruntime

    facts = look(source.model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(source.model), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        what = f"onnxruntime cannot load it: {clip(str(error))}"
        raise UserMistake(what, code="bad-model", where=source.model.name) from error
    return _OnnxModel(session, facts, source.model.name)


class _OnnxModel:
    """A session whose inputs are columns of a table, one matrix of columns, or tensors."""

    def __init__(self, session: Any, facts: OnnxFacts, where: str) -> None:
        self._session = session
        self._facts = facts
        self._inputs = tuple(_spec(value, where) for value in session.get_inputs())
        # A model exported for one row at a time says so in its first dimension.
        self._one_by_one = any(value.shape[:1] == [1] for value in session.get_inputs())

    def draft(self, sample: TableColumns | None) -> Signature:
        outputs = tuple(_declared(value) for value in self._session.get_outputs() if value.type in _DATATYPES)
        names = [spec.name for spec in self._inputs]
        first = self._inputs[0]
        if all(spec.shape in ((-1,), (-1, 1)) for spec in self._inputs) and (
            len(names) > 1 or sample is None or names[0] in sample
        ):
            return Signature(self._inputs, outputs, self._columns(sample))
        if len(names) == 1 and len(first.shape) == 2 and sample is not None:
            if first.shape[1] not in (-1, len(sample)):
                raise wrong_width(first.shape[1], sample)
            columns = tabular_signature(list(sample), sample).columns
            return Signature((TensorSpec(first.name, first.datatype, (-1, len(sample))),), outputs, columns)
        return Signature(self._inputs, outputs)

    def _columns(self, sample: TableColumns | None) -> tuple[ColumnSpec, ...]:
        """One column per input, in the model's own types; the sample says only where values are missing."""
        missing = {}
        if sample is not None:
            found = tabular_signature([spec.name for spec in self._inputs], sample)
            missing = {column.name: column.nullable for column in found.columns}
        return tuple(
            ColumnSpec(spec.name, spec.datatype, nullable="FP" in spec.datatype and missing.get(spec.name, False))
            for spec in self._inputs
        )

    def predict(self, frame: Frame, signature: Signature) -> Mapping[str, Any]:
        feed = self._feed(frame, signature)
        names = [value.name for value in self._session.get_outputs()]
        if self._one_by_one:
            rows = [
                self._run(names, {key: array[i : i + 1] for key, array in feed.items()}) for i in range(rows_of(feed))
            ]
            return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
        return self._run(names, feed)

    def _feed(self, frame: Frame, signature: Signature) -> dict[str, np.ndarray]:
        first = self._inputs[0]
        if signature.is_tabular and first.name not in frame:
            return {first.name: matrix(frame, DTYPES[first.datatype])}
        return {
            spec.name: frame[spec.name].astype(DTYPES[spec.datatype], copy=False).reshape(self._shape(spec, frame))
            for spec in self._inputs
        }

    def _shape(self, spec: TensorSpec, frame: Frame) -> tuple[int, ...]:
        given = frame[spec.name].shape
        return (given[0], 1) if spec.shape == (-1, 1) else given

    def _run(self, names: Sequence[str], feed: Mapping[str, np.ndarray]) -> dict[str, Any]:
        outputs: dict[str, Any] = {}
        for name, value in zip(names, self._session.run(None, dict(feed)), strict=True):
            outputs[name] = _table_of_maps(value) if isinstance(value, list) else value
        return outputs

    def known_classes(self, count: int) -> tuple[Scalar, ...]:
        """The class labels in the file that fit so many probabilities; empty where the file names none."""
        return next((labels for labels in reversed(self._facts.classes) if len(labels) == count), ())


def _table_of_maps(rows: Sequence[Any]) -> np.ndarray:
    """The maps of a ZipMap as a table of probabilities, in the order of their keys."""
    if not rows or not all(isinstance(row, dict) and row.keys() == rows[0].keys() for row in rows):
        raise ModelFailed("the model answered a sequence that is no table of probabilities")
    return np.array([list(row.values()) for row in rows])


def _spec(value: Any, where: str) -> TensorSpec:
    datatype = _DATATYPES.get(value.type, "")
    if not datatype:
        what = f'input "{clip(value.name)}" is a {value.type}, which a JSON request cannot carry'
        raise UserMistake(what, code="bad-model", where=where, remedy="export the model with float inputs")
    return TensorSpec(value.name, datatype, _shape_of(value))


def _declared(value: Any) -> TensorSpec:
    return TensorSpec(value.name, _DATATYPES[value.type], _shape_of(value))


def _shape_of(value: Any) -> tuple[int, ...]:
    """The declared shape; the first dimension counts rows, and a symbol is a variable dimension."""
    return (-1, *(length if isinstance(length, int) and length > 0 else -1 for length in value.shape[1:]))
