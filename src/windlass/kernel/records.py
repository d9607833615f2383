"""Frozen dataclasses to JSON and back, by their type hints: facts, plans, reports and results are stored so.

Unknown and missing keys are errors: nothing accepted is ignored. Enums are written as their value, tuples as lists.
Unions of dataclasses are not supported: facts carry their kind beside the body (`facts/ledger.py`).
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin

RecordT = TypeVar("RecordT")
_PLAIN = frozenset((str, int, float, bool, type(None)))


def to_json(value: object) -> Any:
    """The JSON value of a record, a tuple, a mapping, an enum or a plain value."""
    if type(value) in _PLAIN:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_json(getattr(value, name)) for name in _fields(type(value))}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, frozenset)):
        items = [to_json(item) for item in value]
        return sorted(items) if isinstance(value, frozenset) else items
    return value


def from_json(kind: type[RecordT], value: object) -> RecordT:
    """The record of type `kind` that `to_json` wrote.

    Raises:
        ValueError: a key is unknown or missing, or a value has the wrong type; the message names the path.
    """
    return cast(RecordT, _read(kind, value, kind.__name__))


@lru_cache(maxsize=512)
def _fields(kind: type) -> dict[str, tuple[Any, bool]]:
    """For every field of a dataclass: its type, and whether it may be absent."""
    hints = typing.get_type_hints(kind)
    return {
        field.name: (
            hints[field.name],
            field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING,
        )
        for field in dataclasses.fields(kind)
    }


def _read(hint: Any, value: Any, path: str) -> Any:
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    if hint is Any or hint is object:
        return value
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_union(get_args(hint), value, path)
    if origin in (tuple, frozenset):
        return _read_sequence(hint, origin, value, path)
    if _is_mapping(origin):
        _expect(isinstance(value, dict), "an object", value, path)
        key_hint, item_hint = get_args(hint)
        return {_read_key(key_hint, key): _read(item_hint, item, f"{path}.{key}") for key, item in value.items()}
    if origin is typing.Literal:
        _expect(value in get_args(hint), f"one of {get_args(hint)}", value, path)
        return value
    return _read_plain(hint, value, path)


def _is_mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _read_key(hint: Any, key: str) -> Any:
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    return int(key) if hint is int else key


def _read_union(options: tuple[Any, ...], value: Any, path: str) -> Any:
    if value is None:
        _expect(type(None) in options, "a value", value, path)
        return None
    rest = [option for option in options if option is not type(None)]
    if len(rest) == 1:
        return _read(rest[0], value, path)
    for option in rest:
        if isinstance(option, type) and not dataclasses.is_dataclass(option) and type(value) is option:
            return value
    raise ValueError(f"{path}: no type of the union fits")


def _read_sequence(hint: Any, origin: Any, value: Any, path: str) -> Any:
    _expect(isinstance(value, list), "a list", value, path)
    args = get_args(hint)
    if origin is frozenset or (len(args) == 2 and args[1] is Ellipsis):
        return origin(_read(args[0], item, f"{path}[{index}]") for index, item in enumerate(value))
    _expect(len(args) == len(value), f"{len(args)} items", value, path)
    return tuple(
        _read(arg, item, f"{path}[{index}]") for index, (arg, item) in enumerate(zip(args, value, strict=True))
    )


def _read_plain(hint: Any, value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _read_record(cast(type, hint), value, path)
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError as error:
            raise ValueError(f"{path}: {value!r} is not a {hint.__name__}") from error
    if hint is float and type(value) is int:
        return float(value)
    _expect(type(value) is hint, getattr(hint, "__name__", str(hint)), value, path)
    return value


def _read_record(kind: type, value: Any, path: str) -> Any:
    _expect(isinstance(value, dict), "an object", value, path)
    fields = _fields(kind)
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise ValueError(f"{path}: unknown key {unknown[0]!r}")
    missing = sorted(name for name, (_, optional) in fields.items() if not optional and name not in value)
    if missing:
        raise ValueError(f"{path}: missing key {missing[0]!r}")
    read = {name: _read(fields[name][0], item, f"{path}.{name}") for name, item in value.items()}
    return kind(**read)


def _expect(fits: bool, wanted: str, value: object, path: str) -> None:
    if not fits:
        raise ValueError(f"{path}: expected {wanted}, got {type(value).__name__}")
