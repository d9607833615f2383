"""A bounded look into an ONNX file before anything loads it: which outside files it names, and which classes.

A protobuf message is read as (field, value) pairs; a length that points past the end is refused with its offset before
a byte is allocated. Only the few fields needed here are followed: see `onnx.proto` of ONNX 1.x for the numbers.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from windlass.kernel.errors import Refused, UserMistake, clip
from windlass.serving.signature import Scalar

_DEPTH_MAX = 50  # graphs inside graphs; real models stay under ten

# message -> field number -> message inside, for the way from a model to its tensors and nodes
_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_ATTRIBUTE_NAME, _ATTRIBUTE_INTS, _ATTRIBUTE_STRINGS = 1, 8, 9
_ENTRY_KEY, _ENTRY_VALUE = 1, 2


@dataclass(slots=True)
class OnnxFacts:
    """`locations` are the external data files the model names; `classes` every list of class labels in it."""

    locations: list[str] = field(default_factory=list)
    classes: list[tuple[Scalar, ...]] = field(default_factory=list)


def look(path: Path) -> OnnxFacts:
    """Read what matters out of a model file.

    Raises:
        UserMistake: it is no well-formed protobuf message.
        Refused: it names external data outside its own folder.
    """
    facts = OnnxFacts()
    try:
        with path.open("rb") as file:  # mapped, not read: a model may be larger than memory
            _walk(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)), "model", facts, 0)
    except ValueError as error:
        raise UserMistake(f"not an ONNX file: {error}", code="bad-model", where=path.name) from error
    folder = path.parent.resolve()
    for location in facts.locations:
        if not (folder / location).resolve().is_relative_to(folder):
            what = f'names external data outside its folder: "{clip(location)}"'
            remedy = "save the model with its data beside it"
            raise Refused(what, code="external-data", where=path.name, remedy=remedy)
    return facts


def _walk(data: memoryview, message: str, facts: OnnxFacts, depth: int) -> None:
    if depth > _DEPTH_MAX:
        raise ValueError("graphs are nested too deeply")
    if message == "attribute":
        _note_classes(data, facts)
    for number, value in _fields(data):
        inside = _INSIDE[message].get(number)
        if inside == "entry":
            _note_location(_bytes(value), facts)
        elif inside:
            _walk(_bytes(value), inside, facts, depth + 1)


def _note_location(entry: memoryview, facts: OnnxFacts) -> None:
    pairs = dict(_fields(entry))
    if bytes(_bytes(pairs.get(_ENTRY_KEY, b""))) == b"location":
        facts.locations.append(bytes(_bytes(pairs.get(_ENTRY_VALUE, b""))).decode())


def _note_classes(attribute: memoryview, facts: OnnxFacts) -> None:
    name, integers, strings = "", [], []
    for number, value in _fields(attribute):
        if number == _ATTRIBUTE_NAME:
            name = bytes(_bytes(value)).decode()
        elif number == _ATTRIBUTE_STRINGS:
            strings.append(bytes(_bytes(value)).decode())
        elif number == _ATTRIBUTE_INTS:
            integers += [value] if isinstance(value, int) else _varints(value)
    if name.startswith("classlabels") and (integers or strings):
        signed = [value - (1 << 64) if value >= 1 << 63 else value for value in integers]
        facts.classes.append(tuple(strings or signed))


def _bytes(value: int | bytes | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where a message belongs")
    return memoryview(value)


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The (field number, value) pairs of a message; fixed-width numbers are passed over."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
                yield tag >> 3, value
            case 2:
                length, at = _varint(data, at)
                if length > len(data) - at:
                    raise ValueError(f"a length of {length} at offset {at} points past the end")
                yield tag >> 3, data[at : at + length]
                at += length
            case 1:
                at += 8
            case 5:
                at += 4
            case other:
                raise ValueError(f"unknown wire type {other} at offset {at}")
    if at > len(data):
        raise ValueError("a number is cut off at the end")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError(f"a number is cut off at offset {at}")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError(f"a number is too long at offset {at}")


def _varints(data: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        values.append(value)
    return values
