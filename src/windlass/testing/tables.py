"""Tables that people can read and extend: the rows of a text file are the cases of a test.

The first line that is no remark names the columns. Two blanks or `|` part the columns, `#` at the beginning of a
line or after a blank starts a remark, and `-` stands for an empty cell. A row knows its place, so that a test's id
is file and line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_REMARK = re.compile(r"(?:^|\s)#.*$")
_GAP = re.compile(r"\s*\|\s*|\s{2,}")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. `where` is the file's name and the line, such as `moves.txt:3`."""

    where: str
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def __str__(self) -> str:
        return self.where


def read_table(path: Path) -> tuple[Row, ...]:
    """The rows of a table.

    Raises:
        ValueError: a line has more or fewer cells than the first one names, or there is no row.
    """
    rows: list[Row] = []
    columns: list[str] = []
    for number, cells in _lines(path):
        where = f"{path.name}:{number}"
        if not columns:
            columns = cells
        elif len(cells) != len(columns):
            raise ValueError(f"{where}: {len(cells)} cells under {len(columns)} columns: {cells}")
        else:
            found = {name: "" if cell == "-" else cell for name, cell in zip(columns, cells, strict=True)}
            rows.append(Row(where, found))
    if not rows:
        raise ValueError(f"{path.name}: no row")
    return tuple(rows)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = _REMARK.sub("", line).strip()
        if text:
            yield number, _GAP.split(text)
