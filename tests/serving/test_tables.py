"""Tables from files: types from all rows, missing values as None."""

import math
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.serving.kit import columns_signature
from windlass.kernel.errors import UserMistake
from windlass.serving.signature import ColumnSpec
from windlass.serving.tables import TableColumn, read_table

CSV = """a,b,c,d,e,f,g
1,1.5,true,x,2026-01-01,,1
2,,False,NA,2026-01-02,,2.5
3,1e3,TRUE,"a,b",2026-01-03,,3
"""


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_csv_types_come_from_all_rows(tmp_path: Path) -> None:
    """A column is whole numbers, numbers, booleans or text by all of its values; what pandas calls missing is None."""
    table = read_table(written(tmp_path, "t.csv", "\ufeff" + CSV))
    assert {"a": "INT64", "b": "FP64", "c": "BOOL", "d": "BYTES", "e": "BYTES", "f": "FP64", "g": "FP64"} == {
        name: column.datatype for name, column in table.items()
    }
    assert [1.5, None, 1000.0] == list(table["b"].values)
    assert ["x", None, "a,b"] == list(table["d"].values)
    assert [True, False, True] == list(table["c"].values)
    assert [False, True, False, True, False, True, False] == [column.nullable for column in table.values()]


def test_csv_agrees_with_pandas(tmp_path: Path) -> None:
    """The values of a CSV file are those that pandas reads, so that a model sees what it was trained on."""
    path = written(tmp_path, "t.csv", CSV)
    frame, table = pd.read_csv(path), read_table(path)
    for name, column in table.items():
        ours = [math.nan if value is None else value for value in column.values]
        assert str(frame[name].tolist()) == str(ours)


def test_a_whole_number_column_with_holes_is_a_float(tmp_path: Path) -> None:
    """Whole numbers with missing values are floats in every format, as in a data frame."""
    for path in (
        written(tmp_path, "t.csv", 'a\n1\n\n2\n""\n'),
        written(tmp_path, "t.json", '[{"a": 1}, {"a": 2}, {}]'),
    ):
        assert TableColumn("FP64", [1, 2, None], kind=read_table(path)["a"].kind) == read_table(path)["a"]
    pq.write_table(pa.table({"a": [1, 2, None]}), tmp_path / "t.parquet")
    assert ("FP64", [1, 2, None]) == (lambda c: (c.datatype, c.values))(read_table(tmp_path / "t.parquet")["a"])


def test_a_signature_types_the_text(tmp_path: Path) -> None:
    """With a signature a CSV column is read as the signature says, and other columns are left out."""
    signature = columns_signature(ColumnSpec("code", "BYTES"), ColumnSpec("n", "INT64"), ColumnSpec("x", "FP64"))
    table = read_table(written(tmp_path, "t.csv", "n,label,x,code\n1,yes,2,007\n2.0,no,2.5,8\n"), signature)
    assert {"n": [1, 2.0], "x": [2.0, 2.5], "code": ["007", "8"]} == {
        name: column.values for name, column in table.items()
    }


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    """Parquet columns keep their types and categories; NaN is missing; a date is nothing a model takes as it is."""
    frame = pd.DataFrame(
        {
            "f": pd.Series([1.5, float("nan")], dtype="float32"),
            "i": pd.Series([1, 2], dtype="int16"),
            "u": pd.Series([1, 2], dtype="uint64"),
            "b": [True, False],
            "s": ["x", None],
            "k": pd.Categorical(["q", "p"], categories=["p", "q", "r"]),
            "d": pd.to_datetime(["2026-01-01", "2026-01-02"]),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert {"f": "FP32", "i": "INT16", "u": "UINT64", "b": "BOOL", "s": "BYTES", "k": "BYTES", "d": ""} == {
        name: column.datatype for name, column in table.items()
    }
    assert (("p", "q", "r"), ["q", "p"]) == (table["k"].categories, table["k"].values)
    assert [1.5, None] == table["f"].values
    assert table["d"].kind.startswith("timestamp")
    assert ["i"] == list(read_table(tmp_path / "t.parquet", columns_signature(ColumnSpec("i", "INT16"))))


def test_json_rows(tmp_path: Path) -> None:
    """JSON rows may stand alone or under "rows"; a key that a row lacks is missing there."""
    for text in (
        '[{"a": 1, "b": "x"}, {"a": 2.5, "c": true}]',
        '{"rows": [{"a": 1, "b": "x"}, {"a": 2.5, "c": true}]}',
    ):
        table = read_table(written(tmp_path, "t.json", text))
        assert {"a": [1, 2.5], "b": ["x", None], "c": [None, True]} == {
            name: column.values for name, column in table.items()
        }
        assert ["FP64", "BYTES", "BOOL"] == [column.datatype for column in table.values()]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.txt", "a", "the ending '.txt' is none of"),
        ("t.csv", "", "the first line must name every column once"),
        ("t.csv", "a,a\n1,2\n", "the first line must name every column once"),
        ("t.csv", "a,b\n1,2\n1\n", "line 3 has 1 values for 2 columns"),
        ("t.csv", 'a\n"open', "unexpected end of data"),
        ("t.csv", b"a\n\xff\n", "can't decode"),
        ("t.parquet", b"PAR1", "cannot be read"),
        ("t.json", "{", "cannot be read"),
        ("t.json", "[1]", "expected an array of objects"),
        ("t.json", "{}", "expected an array of objects"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: Any, words: str) -> None:
    """Another ending, or bytes that are no such table, are refused by file, line and reason."""
    with pytest.raises(UserMistake, match="the table cannot be read") as caught:
        read_table(written(tmp_path, name, content))
    assert words in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(UserMistake, match=r"t\.csv"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(("text", "datatype"), [("x", "FP64"), ("1_0", "INT64"), ("yes", "BOOL"), ("1e", "INT64")])
def test_text_that_does_not_fit_the_signature(tmp_path: Path, text: str, datatype: str) -> None:
    """A CSV value that is not what the signature wants is refused with row and column."""
    path = written(tmp_path, "t.csv", f"a,b\n0,0\n{text},0\n".replace("0,0", "true,0" if datatype == "BOOL" else "0,0"))
    with pytest.raises(UserMistake, match=f'row 1, column "a": expected {datatype}, given "{text}"'):
        read_table(path, columns_signature(ColumnSpec("a", datatype)))


def test_without_pyarrow_parquet_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without pyarrow says what it needs to read Parquet."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UserMistake, match="add pyarrow to the service's requirements, or use CSV"):
        read_table(written(tmp_path, "t.parquet", b"PAR1"))
