"""Tables of rows: holdouts, predictions, requests. Parquet and CSV; the columns stay typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name, in the file's order, all of one length. Missing values are None."""

    columns: Mapping[str, Sequence[Any]]
    digest: str = ""  # of the file's bytes

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values()), ()))


class Tables(Protocol):
    """Reads and writes tables by path; the ending says the format."""

    def read(self, path: str) -> Table:
        """The table.

        Raises:
            UserMistake: no such file, an ending that is not .parquet or .csv, or bytes that are not such a table.
        """
        ...

    def write(self, path: str, table: Table) -> None:
        """Write the table, replacing the file atomically."""
        ...
