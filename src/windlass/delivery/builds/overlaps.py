"""Rows that stand both in the held-out and in the training table, so that the gate does not judge a model on what it
learned.

With an `id:` the same id is the same row. Without one whole rows are compared, and tables of few distinct values hold
equal rows by chance: as many held-out rows as training rows have a twin within the training table are expected to have
one there, when the rows were parted at random. Only what is clearly more than that is called shared.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from windlass.kernel.records import to_json

Columns = Mapping[str, Sequence[Any]]

_DEVIATIONS = 4.0  # of a Poisson count: a fair parting exceeds it in about 1 of 10,000 builds


@dataclass(frozen=True, slots=True)
class Overlap:
    """`shared` held-out rows stand in the training table too; `expected` of them by chance. `by` is id or row."""

    by: str
    shared: int
    holdout_rows: int
    training_rows: int
    expected: float
    columns: tuple[str, ...]

    @property
    def refuse(self) -> bool:
        """Whether the gate must not judge on these rows."""
        return self.shared > self.expected + _DEVIATIONS * math.sqrt(self.expected)

    def sentence(self) -> str:
        """What was found, in one sentence without a full stop."""
        if not self.columns:
            return "held-out and training rows have no column in common, so they could not be compared"
        what = f"by {self.columns[0]}" if self.by == "id" else "whole rows compared"
        found = f"{self.shared:,} of {self.holdout_rows:,} held-out rows are in the training data ({what})"
        return f"{found}; about {self.expected:,.0f} are expected by chance" if self.expected else found


def find_overlap(training: Columns, holdout: Columns, id_column: str) -> Overlap:
    """Compare two tables, by their ids where both have them, else by the columns that both have."""
    by_id = bool(id_column) and id_column in training and id_column in holdout
    columns = (id_column,) if by_id else tuple(sorted(set(training) & set(holdout)))
    learned = Counter(_rows(training, columns))
    shared = sum(row in learned for row in _rows(holdout, columns))
    twins = 0 if by_id else sum(count for count in learned.values() if count > 1)
    rows = _count(holdout), _count(training)
    expected = rows[0] * twins / rows[1] if rows[1] else 0.0
    return Overlap("id" if by_id else "row", shared, *rows, expected, columns)


def overlap_json(overlap: Overlap) -> dict[str, Any]:
    """The overlap as provenance stores it."""
    return {**to_json(overlap), "refuse": overlap.refuse, "sentence": overlap.sentence()}


def _rows(table: Columns, columns: Sequence[str]) -> list[tuple[object, ...]]:
    return list(zip(*(table[name] for name in columns), strict=True))


def _count(table: Columns) -> int:
    return len(next(iter(table.values()), ()))
