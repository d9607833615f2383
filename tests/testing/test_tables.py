"""Tables for people: how a text file becomes the rows of a test."""

from pathlib import Path

import pytest

from windlass.testing.tables import read_table


def table(folder: Path, text: str) -> Path:
    path = folder / "moves.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_know_their_cells_and_their_place(tmp_path: Path) -> None:
    """Two blanks or a bar part the cells, a remark is nothing, and a row's place is file and line."""
    text = "# Times in seconds.\n gate   in step | move\n\n pass        15 | advance  # a remark\nfail  1|back\n"
    first, second = read_table(table(tmp_path, text))
    assert ("moves.txt:4", "moves.txt:5") == (first.where, str(second))
    assert ("pass", "15", "advance") == (first["gate"], first["in step"], first["move"])
    assert ("fail", "1", "back") == (second["gate"], second["in step"], second["move"])


def test_a_dash_is_an_empty_cell(tmp_path: Path) -> None:
    """An empty cell is written as a dash; a dash inside text is a dash."""
    (row,) = read_table(table(tmp_path, "a  b\n-  x-y\n"))
    assert ("", "x-y") == (row["a"], row["b"])


def test_a_hash_inside_a_word_is_no_remark(tmp_path: Path) -> None:
    """Only a hash after a blank, or at the beginning of a line, starts a remark."""
    (row,) = read_table(table(tmp_path, "a\nx#y\n"))
    assert "x#y" == row["a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  b\n1\n", r"moves\.txt:2: 1 cells under 2 columns"),
        ("a  b\n1  2  3\n", r"moves\.txt:2: 3 cells under 2 columns"),
        ("a  b\n", "no row"),
        ("# nothing\n", "no row"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """A missing or an odd cell names its line, and a table without rows would test nothing."""
    with pytest.raises(ValueError, match=words):
        read_table(table(tmp_path, text))
