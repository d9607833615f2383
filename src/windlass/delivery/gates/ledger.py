"""How often the same rows were asked, counted row by row.

A holdout that is asked often enough passes anything, so each query may spend less than the one before, and after
twenty only fresh labelled rows help. What is counted is rows, not files: a holdout with one changed row has been asked
as often as before, and a count ends only when every row has been replaced. A row's identity is its id, or the values of
its columns without the label. A column that comes later does not make rows new: the identity keeps to the columns it
began with.

One candidate is one query on the same rows, however many lines it is judged by, and however often.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from windlass.kernel.digests import digest_of_value, hex_of
from windlass.maths.spending import QUERIES_MAX, alpha_of_query

HOLDOUT_SPENT = (
    f"these held-out rows have answered {QUERIES_MAX} queries, so a pass would mean nothing any more; "
    "judge on fresh labelled rows"
)
ROW_HEX = 16  # 64 bits: two of a million rows share them once in 37 million holdouts


@dataclass(frozen=True, slots=True)
class Asked:
    """A candidate that was judged: the digest of the rows, and which query of theirs it was."""

    rows: str
    query: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """`asked` says of each row, by its digest over `columns`, in how many queries it took part."""

    columns: tuple[str, ...] = ()
    asked: Mapping[str, int] = field(default_factory=dict)
    candidates: Mapping[str, Asked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowTable:
    """The holdout as the ledger sees it: its columns, those that identify a row, the digest of each row over these, and
    the digest of all its content."""

    columns: Mapping[str, Sequence[Any]]
    identity: tuple[str, ...]
    rows: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the rows: its number from 1, what it may spend (None: nothing is left), how many are left after it,
    the ledger once it is spent, and how many of the rows were never asked before."""

    query: int
    alpha: float | None
    left: int
    after: Ledger
    fresh: int


def look(ledger: Ledger, candidate: str, table: RowTable, alpha: float) -> Look:
    """Which query the judging of `candidate` on these rows is.

    Where the table lacks a column that rows were told apart by, nobody can show that a row is new: the count goes on.
    """
    columns = ledger.columns or table.identity
    traceable = set(columns) <= set(table.columns)
    if not traceable:
        columns = table.identity
    digests = table.rows if columns == table.identity else row_digests(table.columns, columns)
    before = [ledger.asked.get(digest, 0) for digest in digests] if traceable else list(ledger.asked.values())
    known = ledger.candidates.get(candidate)
    if known is not None and known.rows == table.digest:
        return _look(known.query, alpha, ledger, fresh=0)
    query = 1 + max(before, default=0)
    counts = {digest: count + 1 for digest, count in zip(digests, before, strict=True)} if traceable else {}
    asked = {**ledger.asked, **counts} if traceable else dict.fromkeys(digests, query)
    same = {name: asked_before for name, asked_before in ledger.candidates.items() if asked_before.rows == table.digest}
    after = Ledger(columns, asked, {**same, candidate: Asked(table.digest, query)})
    return _look(query, alpha, after, fresh=before.count(0) if traceable else 0)


def _look(query: int, alpha: float, after: Ledger, *, fresh: int) -> Look:
    spendable = alpha_of_query(query, alpha) if query <= QUERIES_MAX else None
    return Look(query, spendable, max(0, QUERIES_MAX - query), after, fresh)


def row_digests(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> tuple[str, ...]:
    """A digest of each row over some columns; equal values give equal digests, whatever file they were read from."""
    chosen = [columns[name] for name in names]
    return tuple(
        hex_of(digest_of_value([_plain(value) for value in row]))[:ROW_HEX] for row in zip(*chosen, strict=True)
    )


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return f"{type(value).__name__} {value}"
