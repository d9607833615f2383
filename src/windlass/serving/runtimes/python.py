"""A plain Python class of the service: `setup()` once, `predict(rows)` for each request.

`setup` may take the path of the model. What `predict` is given follows the annotation of its first parameter:
`DataFrame` a pandas data frame, `list` a list of row dictionaries, else a dictionary of columns as numpy arrays. It
answers one prediction a row (a list, an array, a series), or named outputs (a dictionary, a data frame); the output
`prediction` is known by its name, and the attribute `classes` names the columns of an output of probabilities.
`docs/how-to/write-a-python-class.md` says all of it to people.
"""

import importlib
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from windlass.kernel.errors import UserMistake, clip
from windlass.serving.frames import rows_of
from windlass.serving.problems import ModelFailed
from windlass.serving.runtimes import Model, Source
from windlass.serving.runtimes.data_frames import data_frame
from windlass.serving.runtimes.tabular import no_sample, tabular_signature
from windlass.serving.signature import Frame, Signature
from windlass.serving.tables import TableColumns

# What Python and numpy raise when code meets rows in another form than it was written for.
_MISREADINGS = (TypeError, LookupError, AttributeError, ValueError)


def load(source: Source) -> Model:
    """Import the class, make one object of it and set it up.

    Raises:
        UserMistake: there is no such class, or it has no `predict`.
    """
    module_name, _, class_name = source.run.target.partition(":")
    if not module_name or not class_name:
        what = f'"{clip(source.run.target)}" is no target'
        raise UserMistake(what, code="bad-target", remedy="write `model: module:Class` into windlass.yaml")
    os.environ["WINDLASS_MODEL"] = str(source.model)
    module = importlib.import_module(module_name)
    kind = getattr(module, class_name, None)
    if kind is None:
        raise UserMistake(f"module {module_name} has no {class_name}", code="bad-target")
    made = kind()
    if not callable(getattr(made, "predict", None)):
        what = f"{source.run.target} has no predict()"
        raise UserMistake(what, code="no-predict", remedy="give it a method predict(self, rows)")
    setup = getattr(made, "setup", None)
    if setup is not None:
        setup(source.model) if inspect.signature(setup).parameters else setup()
    return _PythonModel(made)


@dataclass(frozen=True, slots=True)
class _Form:
    """A form in which rows are handed over, in words for whoever expected another, and how to get one of `others`."""

    arrange: Callable[[Frame, Signature], Any]
    words: str
    others: str


class _PythonModel:
    """An object of the user's class."""

    def __init__(self, made: Any) -> None:
        self._made = made
        self._form = _form(made.predict)

    def draft(self, sample: TableColumns | None) -> Signature:
        if sample is None:
            raise no_sample("a Python class does not say what it takes")
        signature = tabular_signature(list(sample), sample)
        classes = tuple(getattr(self._made, "classes", None) or ())
        return Signature(signature.inputs, columns=signature.columns, classes=classes)

    def predict(self, frame: Frame, signature: Signature) -> Mapping[str, Any]:
        given = self._form.arrange(frame, signature)
        try:
            answer = self._made.predict(given)
        except _MISREADINGS as error:
            error.add_note(f"predict was called with {self._form.words}; {self._form.others}")
            raise
        if hasattr(answer, "to_dict") and hasattr(answer, "columns"):  # a data frame
            return {str(name): answer[name].to_numpy() for name in answer.columns}
        if isinstance(answer, Mapping):
            return {str(name): value for name, value in answer.items()}
        if isinstance(answer, list) and answer and all(isinstance(row, dict) for row in answer):
            return _columns(answer)
        return {"prediction": answer}


def _columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    if any(row.keys() != rows[0].keys() for row in rows):
        raise ModelFailed("the model answered rows with different keys")
    return {str(name): [row[name] for row in rows] for name in rows[0]}


def _form(predict: Callable[..., Any]) -> _Form:
    """In which form rows are handed to `predict`, by the annotation of its first parameter."""
    parameters = list(inspect.signature(predict).parameters.values())
    if not parameters:
        raise UserMistake(
            "predict() takes no rows", code="no-predict", remedy="give it a parameter: predict(self, rows)"
        )
    annotation = parameters[0].annotation
    words = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    if words.rpartition(".")[2] == "DataFrame":
        return _FRAME
    if words.partition("[")[0].rpartition(".")[2] in ("list", "List", "Sequence"):
        return _LIST
    return _DICT


def _rows(frame: Frame, signature: Signature) -> list[dict[str, Any]]:
    columns = [array.tolist() for array in frame.values()]
    return [dict(zip(frame, row, strict=True)) for row in zip(*columns, strict=True)] if rows_of(frame) else []


_FRAME = _Form(data_frame, "a pandas data frame", "annotate its parameter `list` for rows, `dict` for columns")
_LIST = _Form(_rows, "a list of row dicts", "annotate its parameter `dict` for columns, `DataFrame` for pandas")
_DICT = _Form(
    lambda frame, signature: dict(frame),
    "a dict of column arrays",
    "annotate its parameter `list` for rows, `DataFrame` for pandas",
)
