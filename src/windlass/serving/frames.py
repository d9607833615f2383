"""Requests against the signature: rows, columns or tensors become the arrays that the model takes, or a refusal that
names column and row. One check for every protocol, so that all doors refuse the same."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from windlass.kernel.errors import clip
from windlass.kernel.limits import REQUEST_ROWS_MAX
from windlass.serving.problems import Rejected
from windlass.serving.signature import ColumnSpec, Frame, Signature, TensorSpec
from windlass.serving.values import Misshapen, Unfit, flatten, json_words, nested_shape, typed_array

_COMPARED_NAMES = 200  # to look for what was meant in more takes milliseconds, which a wrong request is not worth
_COMPARED_CHARACTERS = 64
_NAMES_SHOWN = 10  # enough to see what is meant; a request may miss thousands


def frame_of_rows(rows: Sequence[Any], signature: Signature) -> Frame:
    """The frame of a list of rows: objects by name, or arrays by position."""
    count_rows(len(rows))
    kinds = set(map(type, rows))
    if not signature.is_tabular:
        return _tensors_of_rows(rows, signature)
    if kinds == {dict}:
        return frame_of_columns(_columns_of_objects(rows, signature), signature)
    if kinds == {list}:
        return frame_of_columns(_columns_of_arrays(rows, signature), signature)
    index = next(i for i, row in enumerate(rows) if type(row) not in (dict, list) or type(row) is not type(rows[0]))
    raise Rejected(
        400,
        "bad-row",
        f"expected {'an array' if type(rows[0]) is list else 'an object with the columns'}, "
        f"given {json_words(rows[index])}",
        where=f"row {index}",
        remedy=f"a row has {named([column.name for column in signature.columns])}",
    )


def frame_of_columns(columns: Mapping[str, Sequence[Any]], signature: Signature) -> Frame:
    """The frame of columns of JSON values; all of them must be there, of one length, and no others."""
    _same_names(list(columns), signature)
    count = max((len(values) for values in columns.values()), default=0)
    count_rows(count)
    frame: dict[str, np.ndarray] = {}
    for spec in signature.columns:
        values = columns.get(spec.name, [None] * count)
        if len(values) != count:
            what = f"has {len(values)} values, another column has {count}"
            raise Rejected(400, "uneven-columns", what, where=f"column {quoted(spec.name)}")
        frame[spec.name] = column_array(values, spec)
    return frame


def column_array(values: Sequence[Any], spec: ColumnSpec) -> np.ndarray:
    """One column's values as its array."""
    try:
        return typed_array(values, spec.datatype, nullable=spec.nullable)
    except Unfit as unfit:
        missing = values[unfit.index] is None
        raise Rejected(
            400,
            "bad-value",
            unfit.what,
            where=f"column {quoted(spec.name)}, row {unfit.index}",
            remedy="the sample that the model was built with has no missing values here" if missing else "",
        ) from None


def tensor_array(data: Sequence[Any], spec: TensorSpec, shape: Sequence[int]) -> np.ndarray:
    """One tensor's data, flat or nested, as an array of `shape`, which must fit the signature's."""
    if len(shape) != len(spec.shape) or any(
        want not in (-1, have) for want, have in zip(spec.shape, shape, strict=True)
    ):
        what = f"expected shape {list(spec.shape)} (-1 is any), given {list(shape)}"
        raise Rejected(400, "bad-shape", what, where=f"input {quoted(spec.name)}")
    if 0 in shape:
        raise Rejected(400, "bad-shape", f"shape {list(shape)} holds no value", where=f"input {quoted(spec.name)}")
    try:
        return typed_array(flatten(data, shape), spec.datatype).reshape(tuple(shape))
    except Misshapen as misshapen:
        raise Rejected(400, "bad-shape", misshapen.what, where=f"input {quoted(spec.name)}") from None
    except Unfit as unfit:
        at = np.unravel_index(unfit.index, tuple(shape))
        where = f"input {quoted(spec.name)}, row {at[0]}" + (f", index {[int(i) for i in at]}" if len(at) > 1 else "")
        raise Rejected(400, "bad-value", unfit.what, where=where) from None


def count_rows(count: int) -> None:
    """Refuse a request without rows, and one with too many."""
    if count == 0:
        raise Rejected(400, "no-rows", "the request has no rows")
    if count > REQUEST_ROWS_MAX:
        what = f"{count} rows, at most {REQUEST_ROWS_MAX} in one request"
        raise Rejected(413, "too-many-rows", what, remedy="send them in several requests")


def rows_of(frame: Frame) -> int:
    """How many rows a frame has."""
    return len(next(iter(frame.values())))


def quoted(name: object) -> str:
    """A caller's name made safe to show."""
    return f'"{clip(str(name))}"'


def named(names: Sequence[str]) -> str:
    """Names in a sentence, at most ten of them."""
    shown = ", ".join(quoted(name) for name in names[:_NAMES_SHOWN])
    return shown + (f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else "")


def _same_names(given: Sequence[str], signature: Signature) -> None:
    """Refuse columns that are missing or not known; a name that is near to one of the model's is asked about."""
    known = {column.name: None for column in signature.columns}
    missing = [column.name for column in signature.columns if column.required and column.name not in given]
    extra = [name for name in given if name not in known]
    if not missing and not extra:
        return
    meant = _meant(extra, missing or list(known))
    remedy = f"did you mean {named(meant)}?" if meant else f"the model takes {named(list(known))}"
    about, code = (missing, "missing-column") if missing else (extra, "unknown-column")
    is_one = len(about) == 1
    what = f"{'is' if is_one else 'are'} {'missing' if missing else 'not known'}"
    if missing and extra:
        what += f", and {named(extra)} {'is' if len(extra) == 1 else 'are'} not known"
    raise Rejected(400, code, what, where=f"column{'' if is_one else 's'} {named(about)}", remedy=remedy)


def _meant(extra: Sequence[str], known: Sequence[str]) -> list[str]:
    """What names that are not known come near to. A caller may send thousands of them, so only a few are compared."""
    from difflib import get_close_matches  # few requests are misspelt

    short = [name for name in extra[:_NAMES_SHOWN] if len(name) <= _COMPARED_CHARACTERS]
    near = (get_close_matches(name, known[:_COMPARED_NAMES], n=1, cutoff=0.6) for name in short)
    return list(dict.fromkeys(names[0] for names in near if names))


def _columns_of_objects(rows: Sequence[dict[str, Any]], signature: Signature) -> dict[str, list[Any]]:
    expected = rows[0].keys()
    _same_names(list(expected), signature)
    for index, row in enumerate(rows):
        if row.keys() != expected:
            try:
                _same_names(list(row), signature)
            except Rejected as error:
                error.where += f", row {index}"
                raise
            what = f"has other columns than row 0: {named(sorted(row.keys() ^ expected))}"
            raise Rejected(400, "uneven-rows", what, where=f"row {index}")
    return {name: [row[name] for row in rows] for name in expected}


def _columns_of_arrays(rows: Sequence[list[Any]], signature: Signature) -> dict[str, list[Any]]:
    names = [column.name for column in signature.columns]
    for index, row in enumerate(rows):
        if len(row) != len(names):
            what = f"expected {len(names)} values, given {len(row)}"
            raise Rejected(400, "bad-shape", what, where=f"row {index}", remedy=f"their order is {named(names)}")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _tensors_of_rows(rows: Sequence[Any], signature: Signature) -> Frame:
    """Rows for a model over tensors: an object with a value per input, or the bare value where there is one input."""
    names = [spec.name for spec in signature.inputs]
    frame: dict[str, np.ndarray] = {}
    for index, row in enumerate(rows):
        if isinstance(row, dict) and sorted(row) != sorted(names):
            what = f"expected the inputs {named(names)}, given {named(list(row))}"
            raise Rejected(400, "missing-input", what, where=f"row {index}")
        if not isinstance(row, dict) and len(names) > 1:
            what = f"expected an object with the inputs {named(names)}, given {json_words(row)}"
            raise Rejected(400, "bad-row", what, where=f"row {index}")
    for spec in signature.inputs:
        values = [row[spec.name] if isinstance(row, dict) else row for row in rows]
        frame[spec.name] = tensor_array(values, spec, nested_shape(values, len(spec.shape)))
    return frame
