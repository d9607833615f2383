"""Tables from files: training rows for the signature, held-out rows for scores. Parquet, CSV and JSON rows.

A missing value is None whatever the format calls it. CSV has no types, so they are inferred from all rows, unless a
signature says what a column is.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from windlass.kernel.errors import UserMistake
from windlass.serving.signature import ColumnSpec, Scalar, Signature

# What pandas reads as missing, so that a model trained on its data frames sees the same.
_MISSING = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "None"}
    | {"n/a", "null", "NaN", "nan", "-NaN", "-nan"}
)
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_ARROW = {"bool": "BOOL", "string": "BYTES", "large_string": "BYTES", "string_view": "BYTES", "null": "FP64"}
_ARROW |= {"float": "FP32", "double": "FP64", "halffloat": "FP32"}
_ARROW |= {f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column's values, missing ones as None. `datatype` is empty where a model cannot take it as it is (a date)."""

    datatype: str
    values: Sequence[Any]
    categories: tuple[Scalar, ...] = ()
    kind: str = ""  # the file's own word for the type

    @property
    def nullable(self) -> bool:
        """Whether a value is missing."""
        return None in self.values


TableColumns = Mapping[str, TableColumn]


def read_table(path: Path, signature: Signature | None = None) -> TableColumns:
    """The table in a file; with a signature only its columns, typed as it says.

    Raises:
        UserMistake: no such file, another ending, or bytes that are not such a table.
    """
    specs = {column.name: column for column in signature.columns} if signature else None
    readers = {".parquet": _read_parquet, ".csv": _read_csv, ".json": _read_json}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise _unreadable(path, f"the ending {path.suffix!r} is none of {', '.join(readers)}")
    try:
        return reader(path, specs)
    except (OSError, ValueError, csv.Error) as error:
        raise _unreadable(path, str(error)) from error


def head(table: TableColumns, rows: int) -> TableColumns:
    """The first rows of a table."""
    return {
        name: TableColumn(column.datatype, column.values[:rows], column.categories, column.kind)
        for name, column in table.items()
    }


def arrow_values(column: Any) -> list[Any]:
    """An Arrow column's values; NaN is missing, as in pandas."""
    values: list[Any] = column.to_pylist()
    return [None if value != value else value for value in values]


def _read_parquet(path: Path, specs: Mapping[str, ColumnSpec] | None) -> TableColumns:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        remedy = "add pyarrow to the service's requirements, or use CSV"
        raise UserMistake("this environment cannot read Parquet", code="no-pyarrow", remedy=remedy) from error
    try:
        file = pq.ParquetFile(path)
        names = [name for name in file.schema_arrow.names if specs is None or name in specs]
        table = file.read(columns=names)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise _unreadable(path, str(error)) from error
    return {name: _arrow_column(table.column(name)) for name in names}


def _arrow_column(column: Any) -> TableColumn:
    import pyarrow as pa

    categories: tuple[Scalar, ...] = ()
    if pa.types.is_dictionary(column.type):
        chunks = column.unify_dictionaries().chunks
        categories = tuple(chunks[0].dictionary.to_pylist()) if chunks else ()
        column = column.cast(column.type.value_type)
    values = arrow_values(column)
    datatype = _ARROW.get(str(column.type), "")
    if None in values and "INT" in datatype:
        datatype = "FP64"  # an integer array has no missing value; data frames turn into floats too
    return TableColumn(datatype, values, categories, str(column.type))


def _read_csv(path: Path, specs: Mapping[str, ColumnSpec] | None) -> TableColumns:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        names = next(reader, [])
        if not names or len(set(names)) < len(names):
            raise _unreadable(path, "the first line must name every column once")
        rows = []
        for row in reader:
            if len(row) == len(names):
                rows.append(row)
            elif row:
                raise _unreadable(path, f"line {reader.line_num} has {len(row)} values for {len(names)} columns")
    texts = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    if specs is None:
        return {name: _inferred(values) for name, values in texts.items()}
    return {name: _typed(texts[name], specs[name], path) for name in names if name in specs}


def _typed(texts: Sequence[str], spec: ColumnSpec, path: Path) -> TableColumn:
    """A column's text as the signature wants it."""
    values: list[Any] = []
    for row, text in enumerate(texts):
        try:
            values.append(None if text in _MISSING else _parsed(text, spec.datatype))
        except (ValueError, KeyError):
            what = f'row {row}, column "{spec.name}": expected {spec.datatype}, given "{text}"'
            raise _unreadable(path, what) from None
    return TableColumn(spec.datatype, values, spec.categories, "text")


def _parsed(text: str, datatype: str) -> Any:
    if datatype != "BYTES" and "_" in text:
        raise ValueError("Python reads 1_000 as a number, no table means it so")
    match datatype:
        case "BYTES":
            return text
        case "BOOL":
            return _BOOLEANS[text]
        case "FP32" | "FP64":
            return float(text)
        case _:
            number = float(text)
            return int(text) if "." not in text and "e" not in text.lower() else number


def _inferred(texts: Sequence[str]) -> TableColumn:
    present = [text for text in texts if text not in _MISSING]
    for datatype in ("INT64", "FP64", "BOOL"):
        try:
            parsed = [_parsed(text, datatype) for text in present]
            if datatype == "INT64" and float in set(map(type, parsed)):
                continue
        except (ValueError, KeyError):
            continue
        if len(present) < len(texts) and datatype == "INT64":
            datatype = "FP64"  # as in data frames: an integer array has no missing value
        values = iter(parsed)
        return TableColumn(datatype, [None if text in _MISSING else next(values) for text in texts], kind="text")
    return TableColumn("BYTES", [None if text in _MISSING else text for text in texts], kind="text")


def _read_json(path: Path, specs: Mapping[str, ColumnSpec] | None) -> TableColumns:
    value = json.loads(path.read_bytes())
    rows = value.get("rows") if isinstance(value, dict) else value
    if not isinstance(rows, list) or set(map(type, rows)) - {dict}:
        raise _unreadable(path, 'expected an array of objects, or an object with "rows"')
    names = [name for name in dict.fromkeys(key for row in rows for key in row) if specs is None or name in specs]
    found = {}
    for name in names:
        values = [row.get(name) for row in rows]
        datatype = specs[name].datatype if specs else _json_datatype(values)
        found[name] = TableColumn(datatype, values, kind="JSON")
    return found


def _json_datatype(values: Sequence[Any]) -> str:
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {int, float}:
        return "INT64" if kinds == {int} and None not in values else "FP64"
    return "BOOL" if kinds == {bool} else "BYTES" if kinds == {str} else ""


def _unreadable(path: Path, why: str) -> UserMistake:
    return UserMistake(f"the table cannot be read: {why}", code="bad-table", where=path.name)
