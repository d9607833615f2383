"""Tables in Parquet and CSV files, read with pyarrow.

In a CSV file the types are inferred from all rows; an empty field is a missing value, in columns of numbers also `NA`,
`NaN` and `null`. NaN is a missing value everywhere, because a file cannot tell the two apart.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from windlass.adapters.world.files import read_file, write_file
from windlass.kernel.digests import digest_of
from windlass.kernel.errors import UserMistake, clip
from windlass.ports.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

_OTHER_SEPARATORS = (";", "\t", "|")
_MISSING = ["", "NA", "NaN", "nan", "null", "NULL"]


class FileTables:
    """Reads and writes tables by path; the ending says the format."""

    def read(self, path: str) -> Table:
        """The table.

        Raises:
            UserMistake: no such file, an ending that is not .parquet or .csv, or bytes that are not such a table.
            Unavailable: the disk fails.
        """
        ending = _ending(path)
        data = read_file(path)
        if data is None:
            raise _mistake(path, "there is no such file", "make it, or name another", "table-missing")
        if not data:
            raise _mistake(path, "the file is empty", "a table needs at least a line of column names")
        found = _read_parquet(path, data) if ending == ".parquet" else _read_csv(path, data)
        _check_names(path, found.column_names)
        columns = {name: _values(column) for name, column in zip(found.column_names, found.columns, strict=True)}
        return Table(columns, digest_of(data))

    def write(self, path: str, table: Table) -> None:
        """Write the table, replacing the file atomically.

        Raises:
            UserMistake: an ending that is not .parquet or .csv, columns of unlike length, or a column of mixed types.
            Unavailable: the disk is full or fails.
        """
        import pyarrow as pa
        from pyarrow import csv, parquet

        ending = _ending(path)
        held = _held(path, table.columns)
        sink = pa.BufferOutputStream()
        if ending == ".parquet":
            parquet.write_table(held, sink)
        else:
            csv.write_csv(held, sink)
        write_file(path, sink.getvalue().to_pybytes())


def _ending(path: str) -> str:
    for ending in (".parquet", ".csv"):
        if path.lower().endswith(ending):
            return ending
    raise _mistake(path, "a table's name ends with .parquet or .csv", "save it in one of these formats", "table-ending")


def _read_parquet(path: str, data: bytes) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(pa.BufferReader(data)).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, "Parquet", error) from error


def _read_csv(path: str, data: bytes) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import csv

    options = csv.ConvertOptions(null_values=_MISSING, strings_can_be_null=False)
    try:
        found = csv.read_csv(pa.BufferReader(data), convert_options=options)
        names = found.column_names
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, "CSV", _with_row(data) or error) from error
    for name, column in zip(names, found.columns, strict=True):
        if pa.types.is_binary(column.type):
            raise _mistake(path, f"column {clip(name)!r} is not text in UTF-8", "save the file as UTF-8")
    if len(names) == 1 and any(mark in names[0] for mark in _OTHER_SEPARATORS):
        raise _mistake(path, "the columns are not separated by commas", "save the file with commas")
    return found


def _with_row(data: bytes) -> Exception | None:
    """The error of a slower reading, which counts the rows."""
    import pyarrow as pa
    from pyarrow import csv

    try:
        csv.read_csv(pa.BufferReader(data), read_options=csv.ReadOptions(use_threads=False))
    except (pa.ArrowException, ValueError) as error:
        return error
    return None


def _check_names(path: str, names: Sequence[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise _mistake(path, f"two columns are called {clip(twice[0])!r}", "give each column a name of its own")
    if "" in names:
        remedy = "name it in the first line; pandas writes one such column for its index: to_csv(index=False)"
        raise _mistake(path, f"column {names.index('') + 1} has no name", remedy)
    if not names:
        raise _mistake(path, "the table has no columns", "write at least one")


def _values(column: "pa.ChunkedArray") -> Sequence[Any]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_timestamp(kind):
        return list(column.cast(pa.timestamp("us", kind.tz), safe=False).to_pylist())
    if pa.types.is_floating(kind):
        return [None if value is None or math.isnan(value) else value for value in _plain(column)]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return [value or None for value in column.to_pylist()]
    return _plain(column)


def _plain(column: "pa.ChunkedArray") -> list[Any]:
    """Python values. Through numpy it is many times faster, but numpy has no missing values of most types; and the
    way there that pyarrow offers imports pandas, which costs a process its first second."""
    import numpy as np
    import pyarrow as pa

    is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    if column.null_count or not is_number:
        return list(column.to_pylist())
    return [value for chunk in column.chunks for value in np.from_dlpack(chunk).tolist()]


def _held(path: str, columns: Mapping[str, Sequence[Any]]) -> "pa.Table":
    import pyarrow as pa

    _check_names(path, list(columns))
    arrays = {}
    for name, values in columns.items():
        try:
            arrays[name] = _array(values)
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            what = f"column {clip(name)!r} mixes types: {clip(str(error))}"
            raise _mistake(path, what, "keep one type in each column") from error
    try:
        return pa.table(arrays)
    except (pa.ArrowException, ValueError) as error:
        raise _mistake(path, f"the columns differ in length: {clip(str(error))}", "fill them up") from error


def _array(values: Sequence[Any]) -> "pa.Array":
    """The values as arrow holds them. Plain numbers go past `pa.array`, which imports pandas before it looks."""
    import numpy as np
    import pyarrow as pa

    kinds = {type(value) for value in values}
    if kinds not in ({float}, {int}):
        return pa.array(values)
    held = np.array(values, dtype="f8" if kinds == {float} else "i8")
    return pa.Array.from_buffers(pa.from_numpy_dtype(held.dtype), len(held), [None, pa.py_buffer(held)])


def _unreadable(path: str, format_name: str, error: Exception) -> UserMistake:
    words = clip(str(error).removeprefix("CSV parse error: "))
    return _mistake(path, f"the file is not a {format_name} table: {words}", f"write it again as {format_name}")


def _mistake(path: str, what: str, remedy: str, code: str = "table-unreadable") -> UserMistake:
    return UserMistake(what, code=code, where=clip(path), remedy=remedy)
