"""YAML text to plain values with the place of each, in two passes.

The events come first, because composing deep nesting crashes the YAML library and an alias makes a small file a
huge value; both are refused before anything is built. The values are then built here, node by node, with YAML 1.2's
few scalars: only `true` and `false` are booleans, and there are no dates, octal numbers or infinities.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from windlass.kernel.errors import Complaint, clip
from windlass.kernel.limits import SPEC_BYTES_MAX, SPEC_DEPTH_MAX, SPEC_VALUES_MAX

Path = tuple[str | int, ...]  # the keys and positions that lead to a value
Place = tuple[int, int]  # line and column, from 1

INTEGER_DIGITS_MAX = 18  # fits 64 bits; a longer number is an identifier and belongs in quotes

_TOO_DEEP = f"nested more than {SPEC_DEPTH_MAX} deep; write it flatter"
_TOO_LONG = f"the file holds more than {SPEC_VALUES_MAX} values; keep data in files of its own"
_TAG = "tag:yaml.org,2002:"
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says. `places` holds the place of every value, `key_places` the place of the key that names it."""

    path: str
    value: dict[str, Any]
    places: dict[Path, Place]
    key_places: dict[Path, Place]

    def complaint(self, at: Path, what: str, *, key: bool = False) -> Complaint:
        """A complaint about the value at `at`, or about its key; a value that is missing stands where its parent is."""
        places = self.key_places if key else self.places
        known = next(at[:length] for length in range(len(at), -1, -1) if length == 0 or at[:length] in places)
        line, column = places.get(known) or self.places.get(known, (1, 1))
        return Complaint(f"{self.path}:{line}:{column}", field_name(at), what)


def field_name(at: Path) -> str:
    """The dotted name of a value: `gate[1]`, `rollout.steps[0]`."""
    name = ""
    for part in at:
        name += f"[{part}]" if isinstance(part, int) else f".{clip(part)}" if name else clip(part)
    return name


def read_document(data: bytes | str, path: str) -> Document | tuple[Complaint, ...]:
    """The one mapping that the file holds, or what is wrong with it. Never raises, whatever the bytes are."""
    text = _decode(data, path)
    if isinstance(text, Complaint):
        return (text,)
    import yaml  # a compiled library: loaded when a file is read

    forbidden: list[Complaint] = []
    try:
        forbidden.extend(_forbidden_events(text, path))
        return tuple(forbidden) or _compose(text, path)
    except yaml.MarkedYAMLError as error:
        return (*forbidden, _syntax_complaint(error, path))


def _syntax_complaint(error: Any, path: str) -> Complaint:
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem)
    what = _TOO_DEEP if "nesting depth" in problem else f"is not YAML: {clip(problem)}"
    return _complaint(path, mark.line, mark.column, what)


def _decode(data: bytes | str, path: str) -> str | Complaint:
    size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass"))
    if size > SPEC_BYTES_MAX:
        limit = f"{SPEC_BYTES_MAX >> 20} MiB"
        return _complaint(
            path, 0, 0, f"the file has {size} bytes, and {limit} is the limit; keep data in files of its own"
        )
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        head = bytes(error.object[: error.start]).decode("utf-8", "replace")
        return _complaint(path, *_place_in(head), f"byte {error.start} is not UTF-8; save the file as UTF-8")
    if found := _UNPRINTABLE.search(text):
        head = text[: found.start()]
        return _complaint(path, *_place_in(head), f'"{clip(found[0])}" is a control character; take it out')
    return text


def _place_in(head: str) -> Place:
    lines = head.split("\n")
    return len(lines) - 1, len(lines[-1])


def _complaint(path: str, line: int, column: int, what: str, field: str = "") -> Complaint:
    return Complaint(f"{path}:{line + 1}:{column + 1}", field, what)


def _forbidden_events(text: str, path: str) -> Iterator[Complaint]:
    """What must not be composed, each where it stands. Too deep nesting or too many values end the search at once."""
    import yaml

    depth = documents = values = 0
    event: Any
    for event in yaml.parse(text, Loader=_loader()):
        mark = event.start_mark
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents == 2:
                yield _complaint(path, mark.line, mark.column, "a second document begins; keep one service a file")
        elif isinstance(event, yaml.AliasEvent):
            yield _complaint(
                path, mark.line, mark.column, f"*{clip(str(event.anchor))} is an alias; write the value out"
            )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            if event.anchor is not None:
                yield _complaint(path, mark.line, mark.column, f"&{clip(str(event.anchor))} is an anchor; take it out")
            if event.tag is not None:
                tag = clip(event.tag.replace(_TAG, "!!"))
                yield _complaint(path, mark.line, mark.column, f"the tag {tag} has no meaning here; take it out")
            values += 1
            depth += isinstance(event, yaml.CollectionStartEvent)
        if depth > SPEC_DEPTH_MAX:
            yield _complaint(path, mark.line, mark.column, _TOO_DEEP)
            return
        if values > SPEC_VALUES_MAX:
            yield _complaint(path, mark.line, mark.column, _TOO_LONG)
            return


def _compose(text: str, path: str) -> Document | tuple[Complaint, ...]:
    import yaml

    loader = _loader()(text)
    try:
        root = loader.get_single_node()
    finally:
        loader.dispose()
    if not isinstance(root, yaml.MappingNode):
        found = "the file is empty" if root is None or root.value == "" else "the file is not a mapping"
        return (_complaint(path, 0, 0, f"{found}; write service: <name>, then how it is built"),)
    building = _Building(path)
    value = building.value(root, ())
    return tuple(building.complaints) or Document(path, value, building.places, building.key_places)


class _Building:
    """The values of one composed document. Its depth is known to be small, so plain recursion is safe."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.places: dict[Path, Place] = {}
        self.key_places: dict[Path, Place] = {}
        self.complaints: list[Complaint] = []

    def value(self, node: Any, at: Path) -> Any:
        """The plain value of a node; its place and those below it are noted."""
        import yaml

        self.places[at] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*at, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, at)

    def _mapping(self, node: Any, at: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if key_node.tag != f"{_TAG}str" or not isinstance(key, str):
                self._complain(key_node, at, f"{_shown(key)} is no key; keys are words, so put it in quotes")
            elif key in found:
                line, _ = self.key_places[(*at, key)]
                self._complain(key_node, (*at, key), f"is given twice, first in line {line}; keep one")
            else:
                self.key_places[(*at, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
                found[key] = self.value(value_node, (*at, key))
        return found

    def _scalar(self, node: Any, at: Path) -> str | int | float | bool | None:
        text: str = node.value
        match node.tag.removeprefix(_TAG):
            case "bool":
                return text == "true"
            case "null":
                return None
            case "int":
                if len(text.lstrip("-")) <= INTEGER_DIGITS_MAX:
                    return int(text)
                self._complain(node, at, f"{clip(text)} is too long for a number; put it in quotes")
            case "float":
                number = float(text)
                if abs(number) != float("inf"):
                    return number
                self._complain(node, at, f"{clip(text)} is too large for a number")
            case _:
                pass
        return text

    def _complain(self, node: Any, at: Path, what: str) -> None:
        self.complaints.append(
            _complaint(self.path, node.start_mark.line, node.start_mark.column, what, field_name(at))
        )


def _shown(key: object) -> str:
    return f'"{clip(key)}"' if isinstance(key, str) else "a list or a mapping"


@cache
def _loader() -> Any:
    """A loader that knows YAML 1.2's scalars only: no yes and no, octal, sexagesimal, dates, infinities or merge
    keys."""
    import yaml

    class SpecLoader(yaml.CSafeLoader):
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way to state it

    for name, pattern, first in (
        ("bool", "true|false", "tf"),
        ("null", "null|~|", ["n", "~", ""]),
        ("int", "-?(0|[1-9][0-9]*)", "-0123456789"),
        ("float", r"-?[0-9]+(\.[0-9]+([eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)", "-0123456789"),
    ):
        SpecLoader.add_implicit_resolver(f"{_TAG}{name}", re.compile(f"^(?:{pattern})$"), list(first))
    return SpecLoader
