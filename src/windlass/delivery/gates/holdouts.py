"""A table of labelled rows as the gate judges it, or the reasons why it may not be judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from windlass.delivery.gates.ledger import RowTable, row_digests
from windlass.delivery.gates.rows import Holdout
from windlass.delivery.sources.types import DataSpec
from windlass.kernel.digests import digest_of_value

Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The holdout and its identity for the ledger; `refusals` say why it may not be judged."""

    holdout: Holdout
    table: RowTable
    refusals: tuple[str, ...] = ()


def prepare(columns: Columns, data: DataSpec) -> Prepared:
    """The table's rows with their keys, labels and units, as the file's `data:` names them."""
    identity = (data.id,) if data.id in columns else _all_but(data.label, columns)
    rows = row_digests(columns, identity)
    digest = _digest_of_all(columns, identity, rows)
    table = RowTable(columns, identity, rows, digest)
    missing = _missing(columns, data)
    if missing:
        return Prepared(Holdout((), (), digest), table, missing)
    keys = tuple(str(value) for value in columns[data.id]) if data.id else _numbered(rows)
    features = {name: values for name, values in columns.items() if name not in (data.label, data.id)}
    units = tuple(columns[data.unit]) if data.unit else ()
    return Prepared(Holdout(keys, columns[data.label], digest, units, features, data.positive), table)


def _all_but(label: str, columns: Columns) -> tuple[str, ...]:
    """What tells rows apart without an id; where there is only the label, it alone does."""
    return tuple(sorted(name for name in columns if name != label)) or tuple(sorted(columns))


def _digest_of_all(columns: Columns, identity: Sequence[str], rows: Sequence[str]) -> str:
    """The same for the same rows in another order, whatever the order of the columns. What already identifies a row is
    not spelled out a second time: on a large holdout that costs seconds."""
    others = sorted(set(columns) - set(identity))
    whole = row_digests({"": rows, **{name: columns[name] for name in others}}, ("", *others))
    return digest_of_value([[*identity], others, sorted(whole)])


def _missing(columns: Columns, data: DataSpec) -> tuple[str, ...]:
    known = ", ".join(columns)
    found = [] if data.label else ["data: names no label, so nothing can be judged; write `label: COLUMN`"]
    for key, name in (("label", data.label), ("id", data.id), ("unit", data.unit)):
        if name and name not in columns:
            found.append(f'the holdout has no column "{name}" (data: {key}); its columns are {known}')
    return tuple(found)


def _numbered(digests: Sequence[str]) -> tuple[str, ...]:
    """Row digests as keys: equal rows are told apart by their number, since without an id they may be different."""
    seen: dict[str, int] = {}
    keys = []
    for digest in digests:
        seen[digest] = seen.get(digest, 0) + 1
        keys.append(f"{digest}#{seen[digest]}" if seen[digest] > 1 else digest)
    return tuple(keys)
