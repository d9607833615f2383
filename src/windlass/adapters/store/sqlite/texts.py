"""Records to JSON text: the JSON that `kernel.records.to_json` writes, but walked by the C encoder.

A service's state holds up to fifty releases and changes in one of them at a time. So the text of each record inside a
state is kept beside the record, which is frozen, and written again only when another record took its place.
"""

import dataclasses
import json
from collections.abc import Hashable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, cast

from windlass.kernel.records import to_json


def to_text(value: object) -> str:
    """The JSON text of a record.

    Raises:
        ValueError: a value that JSON cannot hold.
    """
    return _ENCODER.encode(value)


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    record: object
    text: str  # with its key


_Remembered = dict[tuple[str, object], _Entry]  # by field and key


class StateTexts:
    """Writes states as text, and remembers the texts of the records inside them."""

    def __init__(self) -> None:
        self._known: dict[str, _Remembered] = {}

    def text(self, name: str, state: object) -> str:
        """The JSON text of the state called `name`."""
        before, now = self._known.get(name, {}), _Remembered()
        parts = []
        for field in _names(cast(Hashable, type(state))):
            value = getattr(state, field)
            if isinstance(value, Mapping) and value and all(map(dataclasses.is_dataclass, value.values())):
                for key, record in value.items():
                    now[field, key] = _entry(before.get((field, key)), key, record)
                text = "{" + ",".join(now[field, key].text for key in value) + "}"
            else:
                text = to_text(value)
            parts.append(f'"{field}":{text}')
        self._known[name] = now
        return "{" + ",".join(parts) + "}"


def _entry(known: _Entry | None, key: object, record: object) -> _Entry:
    if known is not None and known.record is record:
        return known
    return _Entry(record, f"{to_text(str(key))}:{to_text(record)}")


def _shallow(value: object) -> Any:
    """One level of what the encoder does not know; it asks again for what lies below."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in _names(type(value))}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (Enum, frozenset)):
        return to_json(value)
    raise ValueError(f"JSON cannot hold a {type(value).__name__}")


@lru_cache(maxsize=512)
def _names(kind: Hashable) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cast(type, kind)))


_ENCODER = json.JSONEncoder(default=_shallow, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
