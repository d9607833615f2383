"""A fact with its number, and its way to JSON and back."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from windlass.facts import types
from windlass.kernel.instants import Instant
from windlass.kernel.records import from_json, to_json

KINDS: dict[str, type] = {
    name: kind
    for name, kind in sorted(vars(types).items())
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__module__ == types.__name__
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. `number` is given by the store, 0 before; `service` is empty for a whole repository."""

    service: str
    at: Instant
    body: Any
    number: int = 0

    @property
    def kind(self) -> str:
        """The name of the body's type."""
        return type(self.body).__name__


def write_fact(fact: Fact) -> dict[str, Any]:
    """The fact as a JSON object."""
    return {
        "number": fact.number,
        "service": fact.service,
        "at": fact.at,
        "kind": fact.kind,
        "body": to_json(fact.body),
    }


def read_fact(value: Mapping[str, Any]) -> Fact:
    """The fact that `write_fact` wrote.

    Raises:
        ValueError: the kind is unknown, or the body does not fit it.
    """
    kind = KINDS.get(value["kind"])
    if kind is None:
        raise ValueError(f"unknown kind of fact: {value['kind']!r}")
    return Fact(value["service"], Instant(value["at"]), from_json(kind, value["body"]), value["number"])
