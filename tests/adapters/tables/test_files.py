"""Tables as people save them: what is read, and which row or column is wrong where nothing can be."""

import datetime
import errno
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from windlass.adapters.tables import FileTables
from windlass.kernel.errors import Unavailable, UserMistake
from windlass.ports.tables import Table

READ: list[tuple[str, dict[str, list[Any]]]] = [
    ("a,b\n1,x\n2,y\n", {"a": [1, 2], "b": ["x", "y"]}),
    ("a,b\r\n1,x\r\n", {"a": [1], "b": ["x"]}),
    ("\ufeffa\n1\n", {"a": [1]}),
    ("a,b\n1,2.5\n,NA\n3,nan\n", {"a": [1, None, 3], "b": [2.5, None, None]}),
    ("word\nNA\nx\n", {"word": ["NA", "x"]}),
    ('word,n\n"a,\nb",1\n,2\n', {"word": ["a,\nb", None], "n": [1, 2]}),
    ("flag\ntrue\nfalse\n", {"flag": [True, False]}),
    ("day\n2026-01-02\n", {"day": [datetime.date(2026, 1, 2)]}),
    ("x\n" + "1\n" * 1000 + "0.5\n", {"x": [1.0] * 1000 + [0.5]}),
    ("x\n" + "1\n" * 1000 + "a\n", {"x": ["1"] * 1000 + ["a"]}),
    ("a b,ü\n1,2\n", {"a b": [1], "ü": [2]}),
]

REFUSED: list[tuple[str | bytes, str]] = [
    ("", "file is empty"),
    ("\n\n", "not a CSV table"),
    ("a,b\n1,2\n1,2,3\n", "Row #3: Expected 2 columns, got 3"),
    ("a,a\n1,2\n", "two columns are called 'a'"),
    ("a,\n1,2\n", "column 2 has no name"),
    (b"a,b\n1,\xff\xfe\n", "column 'b' is not text in UTF-8"),
    (b"\xff,b\n1,2\n", "not a CSV table"),
    ("a;b\n1;2\n", "not separated by commas"),
    ("a\tb\n1\t2\n", "not separated by commas"),
    ('a,b\n"open,1\n', "not a CSV table"),
]


@pytest.mark.parametrize(("text", "columns"), READ)
def test_a_csv_file_is_read(tmp_path: Path, text: str, columns: dict[str, list[Any]]) -> None:
    """Types follow from all rows; an empty field is a missing value."""
    path = tmp_path / "rows.CSV"
    path.write_text(text, encoding="utf-8", newline="")
    read = FileTables().read(str(path)).columns
    assert dict(read) == columns
    assert [[type(value) for value in values] for values in read.values()] == [
        [type(value) for value in values] for values in columns.values()
    ]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_a_csv_file_that_is_none_is_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    """The message names the file, and the row or column where there is one."""
    path = tmp_path / "rows.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserMistake) as caught:
        FileTables().read(str(path))
    assert words in caught.value.what
    assert caught.value.where == str(path)
    assert caught.value.remedy


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    """Categories are their values, times are to the microsecond, and NaN is a missing value."""
    path = tmp_path / "rows.parquet"
    stamp = pa.array([1_700_000_000_123_456_789], pa.timestamp("ns", "UTC"))
    columns = {
        "category": pa.array(["b", None, "a"]).dictionary_encode(),
        "time": pa.concat_arrays([stamp, pa.nulls(2, stamp.type)]),
        "share": pa.array([0.5, float("nan"), None], pa.float32()),
        "text": pa.array(["", "x", None], pa.large_string()),
        "list": pa.array([[1], [], None]),
    }
    parquet.write_table(pa.table(columns), path)
    moment = datetime.datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=datetime.UTC)
    assert dict(FileTables().read(str(path)).columns) == {
        "category": ["b", None, "a"],
        "time": [moment, None, None],
        "share": [0.5, None, None],
        "text": [None, "x", None],
        "list": [[1], [], None],
    }


def test_parquet_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """Nobody guesses which of two columns was meant."""
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), path)
    with pytest.raises(UserMistake, match="two columns are called 'a'"):
        FileTables().read(str(path))


NAMES = st.text("abc", min_size=1, max_size=3)
COLUMNS = st.sampled_from(
    [
        st.integers(-(2**62), 2**62),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
    ]
).flatmap(lambda values: st.lists(st.none() | values, min_size=4, max_size=4))


@settings(max_examples=50)
@given(columns=st.dictionaries(NAMES, COLUMNS, min_size=1, max_size=4))
def test_any_parquet_table_comes_back(columns: dict[str, list[Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever the values, writing and reading gives the same."""
    path = str(tmp_path_factory.mktemp("any") / "rows.parquet")
    FileTables().write(path, Table(columns))
    assert dict(FileTables().read(path).columns) == columns


def test_a_failed_write_leaves_the_old_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk keeps the file that was there."""
    path = str(tmp_path / "rows.csv")
    FileTables().write(path, Table({"a": [1]}))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="disk is full"):
            FileTables().write(path, Table({"a": [2]}))
    assert dict(FileTables().read(path).columns) == {"a": [1]}
    assert os.listdir(tmp_path) == ["rows.csv"]
