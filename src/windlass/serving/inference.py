"""A signature from a model and a sample: what it takes by its own words and by types, what it gives by trial."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from windlass.serving import answers
from windlass.serving.frames import column_array
from windlass.serving.releases import run_model, zeros
from windlass.serving.runtimes import Model
from windlass.serving.signature import Frame, Signature, TensorSpec, datatype_of
from windlass.serving.tables import TableColumns, head

ROWS_RECORDED = 20  # enough to notice a release that answers differently, few enough to keep for ever
_PROBABILITY_SUM_ERROR_MAX = 1e-4  # rounding of single-precision softmax over many classes


@dataclass(frozen=True, slots=True)
class Inferred:
    """The signature, and what the model answered to the first rows of the sample."""

    signature: Signature
    rows: list[dict[str, Any]]
    outputs: Frame


def infer(model: Model, sample: TableColumns | None) -> Inferred:
    """Infer the signature.

    Raises:
        UserMistake: the sample does not fit the model, or is needed and missing.
        ModelFailed: the model cannot predict the sample's first rows, or answers NaN.
    """
    draft = model.draft(sample)
    if draft.is_tabular and sample is not None:
        first = head({column.name: sample[column.name] for column in draft.columns}, ROWS_RECORDED)
        rows = [dict(zip(first, row, strict=True)) for row in zip(*(c.values for c in first.values()), strict=True)]
        frame: Frame = {column.name: column_array(first[column.name].values, column) for column in draft.columns}
    else:
        rows, frame = [], zeros(draft)
    outputs = run_model(model, frame, draft)
    specs = tuple(_output(name, array, draft) for name, array in outputs.items())
    return Inferred(_named(replace(draft, outputs=specs), outputs, model), rows, outputs)


def record(inferred: Inferred) -> dict[str, Any]:
    """The sample's rows with what the model answered to them: a later release is compared with it."""
    signature, outputs = inferred.signature, inferred.outputs
    return {
        "rows": inferred.rows,
        "predictions": answers.predictions(outputs, signature) if inferred.rows else [],
        "probabilities": answers.probabilities(outputs, signature) if inferred.rows else None,
        "classes": answers.classes(signature),
    }


def _output(name: str, array: np.ndarray, draft: Signature) -> TensorSpec:
    declared = {spec.name: spec.shape for spec in draft.outputs}
    shape = declared.get(name, array.shape)
    shape = shape if len(shape) == array.ndim else array.shape
    return TensorSpec(name, datatype_of(array), (-1, *shape[1:]))


def _named(signature: Signature, outputs: Mapping[str, np.ndarray], model: Model) -> Signature:
    """The signature with its prediction, probability and classes named, where the model has not named them itself."""
    if signature.prediction:
        return signature
    probability = next((name for name, array in outputs.items() if _is_probability(array)), "")
    others = [name for name in outputs if name != probability]
    labels = [name for name in others if outputs[name].ndim == 1 or outputs[name].shape[1:] == (1,)]
    prediction = "prediction" if "prediction" in outputs else labels[0] if labels else ""
    if not probability:
        return replace(signature, prediction=prediction, classes=())
    known = _classes(signature, outputs[probability], model)
    if prediction and not known:
        known = _counted(outputs[prediction], outputs[probability])
    elif not known:
        known = tuple(range(outputs[probability].shape[1]))
    if not known:
        return replace(signature, prediction=prediction, classes=())
    return replace(signature, prediction=prediction, probability=probability, classes=known)


def _classes(signature: Signature, table: np.ndarray, model: Model) -> tuple[Any, ...]:
    """The names that the model has for the columns of its probabilities."""
    count = table.shape[1]
    if len(signature.classes) == count:
        return signature.classes
    known = getattr(model, "known_classes", None)
    found: tuple[Any, ...] = known(count) if known is not None else ()
    return found


def _counted(labels: np.ndarray, table: np.ndarray) -> tuple[int, ...]:
    """0, 1, 2 ... where the labels are the numbers of the most probable columns, else nothing."""
    fits = labels.dtype.kind in "iu" and np.array_equal(labels.ravel(), np.argmax(table, axis=1))
    return tuple(range(table.shape[1])) if fits else ()


def _is_probability(array: np.ndarray) -> bool:
    return bool(
        array.ndim == 2
        and array.shape[1] >= 2
        and array.dtype.kind == "f"
        and (array >= 0).all()
        and np.allclose(array.sum(axis=1), 1.0, atol=_PROBABILITY_SUM_ERROR_MAX)
    )
