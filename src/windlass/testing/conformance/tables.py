"""What every reader of tables keeps."""

from pathlib import Path
from typing import Any

import pytest

from windlass.kernel.digests import digest_of
from windlass.kernel.errors import UserMistake
from windlass.ports.tables import Table, Tables

ROWS: dict[str, list[Any]] = {
    "number": [1, None, 3],
    "share": [0.5, 1.25, None],
    "word": ["a", None, "é"],
    "flag": [True, None, False],
}


class TablesConformance:
    """Give a fixture `tables`."""

    @pytest.mark.parametrize("ending", [".csv", ".parquet"])
    def test_a_table_comes_back(self, tables: Tables, tmp_path: Path, ending: str) -> None:
        """Columns keep their order, types and missing values."""
        path = str(tmp_path / f"rows{ending}")
        tables.write(path, Table(ROWS))
        read = tables.read(path)
        assert dict(read.columns) == ROWS
        assert list(read.columns) == list(ROWS)
        assert [[type(value) for value in column] for column in read.columns.values()] == [
            [type(value) for value in column] for column in ROWS.values()
        ]
        assert read.rows == 3

    @pytest.mark.parametrize("ending", [".csv", ".parquet"])
    def test_the_digest_is_that_of_the_file(self, tables: Tables, tmp_path: Path, ending: str) -> None:
        """A table is known by the bytes of its file."""
        path = tmp_path / f"rows{ending}"
        tables.write(str(path), Table(ROWS))
        assert tables.read(str(path)).digest == digest_of(path.read_bytes())

    @pytest.mark.parametrize("ending", [".csv", ".parquet"])
    def test_a_table_without_rows_is_one(self, tables: Tables, tmp_path: Path, ending: str) -> None:
        """Columns without values are kept: whether that is enough is for others to say."""
        path = str(tmp_path / f"rows{ending}")
        tables.write(path, Table({"a": [], "b": []}))
        assert (dict(tables.read(path).columns), tables.read(path).rows) == ({"a": [], "b": []}, 0)

    @pytest.mark.parametrize("name", ["none.csv", "none.parquet", "rows.txt", "rows"])
    def test_what_is_not_there_is_the_persons_mistake(self, tables: Tables, tmp_path: Path, name: str) -> None:
        """A missing file and an unknown ending are named."""
        with pytest.raises(UserMistake) as caught:
            tables.read(str(tmp_path / name))
        assert name in caught.value.where
        assert caught.value.remedy

    @pytest.mark.parametrize("ending", [".csv", ".parquet"])
    def test_a_cut_or_empty_file_is_refused(self, tables: Tables, tmp_path: Path, ending: str) -> None:
        """Nothing is guessed from an empty file, from binary text, or from half a Parquet file."""
        path = tmp_path / f"rows{ending}"
        tables.write(str(path), Table(ROWS))
        whole = path.read_bytes()
        for broken in (b"", b"\xff\xfe\x00a\nb" if ending == ".csv" else whole[: len(whole) // 2]):
            path.write_bytes(broken)
            with pytest.raises(UserMistake):
                tables.read(str(path))

    def test_mixed_or_uneven_columns_are_not_written(self, tables: Tables, tmp_path: Path) -> None:
        """A refused table leaves the file that was there."""
        path = str(tmp_path / "rows.csv")
        tables.write(path, Table(ROWS))
        for columns in ({"a": [1, "x"]}, {"a": [1], "b": [1, 2]}, {}):
            with pytest.raises(UserMistake):
                tables.write(path, Table(columns))
        assert dict(tables.read(path).columns) == ROWS
