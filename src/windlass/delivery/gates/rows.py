"""What the gate judges: held-out rows, and what each release answered to them.

The order of rows is a hash of their key and the holdout's digest: it depends on neither labels nor answers, so that a
wager over the rows in this order is fair, and a replay takes them in the same order.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from windlass.kernel.digests import digest_of, hex_of
from windlass.kernel.errors import clip
from windlass.maths.counts import FloatArray, IntArray

ROWS_NAMED_MAX = 5  # enough to find the cause, few enough for one line
SEED_HEX = 8


class Unfit(ValueError):
    """These rows or answers cannot carry this measurement; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Holdout:
    """Labelled rows. `keys` name them; `units` are the users or documents that they belong to, empty where each row
    stands for itself; `columns` hold the features, for lines about the data; `positive` is the class that scores speak
    of."""

    keys: Sequence[str]
    labels: Sequence[Any]
    digest: str
    units: Sequence[Hashable] = ()
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    positive: Any = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What one release answered, row by row. `probability` has one column for each of `classes`; `score` is one number
    a row that grows with the positive class, where the model answers one. `trouble` says why there are no answers."""

    release: str
    prediction: Sequence[Any] = ()
    probability: Sequence[Sequence[float]] | None = None
    classes: Sequence[Any] = ()
    score: Sequence[float] | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Ordered:
    """The holdout in judging order. `order` leads from here to the holdout's own row numbers; `units` numbers the units
    by their first row, or is None where each row is its own; `seed` starts every draw."""

    labels: Sequence[Any]
    positive: Any
    order: IntArray
    units: IntArray | None
    seed: int


def in_order(holdout: Holdout) -> Ordered:
    """The holdout's rows in the order in which they are judged."""
    hashes = [digest_of(f"{holdout.digest}\n{key}".encode()) for key in holdout.keys]
    order = np.array(sorted(range(len(hashes)), key=lambda row: (hashes[row], row)), dtype=np.int64)
    seed = int(hex_of(digest_of(holdout.digest.encode()))[:SEED_HEX], 16)
    labels = [holdout.labels[row] for row in order]
    return Ordered(labels, holdout.positive, order, _unit_numbers(holdout, order), seed)


def _unit_numbers(holdout: Holdout, order: IntArray) -> IntArray | None:
    if not holdout.units:
        return None
    numbers: dict[Hashable, int] = {}
    found = [numbers.setdefault(holdout.units[row], len(numbers)) for row in order]
    return None if len(numbers) == len(found) else np.array(found, dtype=np.int64)


def numbers(name: str, values: Sequence[Any]) -> FloatArray:
    """The values as finite floats.

    Raises:
        Unfit: one of them is no number; the message names the row, counted from 1.
    """
    found = np.empty(len(values))
    for row, value in enumerate(values):
        try:
            found[row] = math.nan if isinstance(value, (bool, str)) else float(value)
        except (TypeError, ValueError):
            found[row] = math.nan
        if not math.isfinite(found[row]):
            raise Unfit(f"{name} must be numbers; row {row + 1} holds {clip(repr(value))}")
    return found


def spoiled(values: Sequence[Any]) -> tuple[int, ...]:
    """The rows, counted from 1, that hold nothing: None, NaN or an infinity."""
    return tuple(row + 1 for row, value in enumerate(values) if _is_spoiled(value))


def _is_spoiled(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def silence(answers: Answers, rows: int) -> str:
    """Why a release's answers cannot be used, in words that follow its name; empty where they can."""
    if answers.trouble:
        return f"cannot be asked: {answers.trouble}"
    for given in (answers.prediction, answers.score or (), answers.probability or ()):
        if given and len(given) != rows:
            return f"gives {len(given):,} answers to {rows:,} rows"
    missing = {*spoiled(answers.prediction), *spoiled(answers.score or ())}
    missing |= {row for row, given in enumerate(answers.probability or (), 1) if spoiled(given)}
    if not missing:
        return ""
    return f"answers nothing for {len(missing):,} of {rows:,} rows ({named(sorted(missing))})"


def named(rows: Sequence[int]) -> str:
    """Row numbers for a message: `row 3`, `rows 3, 17 and 20`, `rows 1, 2, 3, 4, 5 and 120 more`."""
    shown = [str(row) for row in rows[:ROWS_NAMED_MAX]]
    if len(rows) > ROWS_NAMED_MAX:
        return f"rows {', '.join(shown)} and {len(rows) - ROWS_NAMED_MAX:,} more"
    if len(shown) == 1:
        return f"row {shown[0]}"
    return f"rows {', '.join(shown[:-1])} and {shown[-1]}"
