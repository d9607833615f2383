"""The editor's schema: made from the registry, and of one mind with the parser."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.sources.trees import reading, told
from windlass.delivery.sources.parse import parse_service
from windlass.delivery.sources.reading import read_document
from windlass.delivery.sources.registry import ANY_NAME, KEYS
from windlass.delivery.sources.schema import DIALECT, file_schema
from windlass.delivery.sources.types import ServiceSpec
from windlass.testing.tables import Row, read_table

SCHEMA = file_schema()


def property_of(name: str) -> Any:
    found: Any = SCHEMA
    for part in name.split("."):
        found = found["additionalProperties"] if part == ANY_NAME else found["properties"].get(part)
    return found


def test_the_schema_is_json_of_the_2020_dialect() -> None:
    """It can be written as JSON, and it names its dialect."""
    assert DIALECT == json.loads(json.dumps(SCHEMA))["$schema"]


def test_every_built_key_is_described_and_no_other_is_known() -> None:
    """An editor offers exactly the keys that work, each with its meaning; all others are marked."""
    for key in KEYS:
        if key.not_yet:
            assert property_of(key.name) is None
        else:
            assert key.meaning == property_of(key.name)["description"]
    assert SCHEMA["additionalProperties"] is False
    assert SCHEMA["properties"]["rollout"]["additionalProperties"] is False


def test_patterns_and_choices_agree_with_the_parser() -> None:
    """A value that the schema refuses by pattern or choice is refused by the parser too, and the other way round."""
    for name, values in {
        "service": ["a", "a-b", "A", "-a", "a" * 40, "a" * 41],
        "timeout": ["10s", "1h", "10", "1 h", "s"],
        "memory": ["2Gi", "512M", "2GB", "2g"],
        "python": ["3.11", "2.7"],
    }.items():
        schema = property_of(name)
        for value in values:
            allowed = bool(re.search(schema["pattern"], value)) if "pattern" in schema else value in schema["enum"]
            base = "train: t\n" if name == "service" else "service: a\ntrain: t\n"
            spec = parse_service(f"{base}{name}: {json.dumps(value)}\n", "w.yaml", lambda line: None)
            assert allowed == isinstance(spec, ServiceSpec), (name, value)


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("schema.txt")), ids=str)
def test_the_schema_and_the_parser_accept_the_same_files(row: Row) -> None:
    """Every row of schema.txt is a file that an editor marks if, and only if, a commit with it is refused."""
    tree = {"windlass.yaml": row["file"], "m/windlass.yaml": "service: m\ntrain: t\n", "h.csv": "", "a.onnx": ""}
    document = read_document(row["file"], "windlass.yaml")
    assert not isinstance(document, tuple)
    is_good = row["verdict"] == "good"
    assert (is_good, is_good) == (not told(reading(tree)), fits(SCHEMA, document.value)), told(reading(tree))


def fits(schema: Any, value: Any) -> bool:
    """Whether a value is valid by the words of JSON Schema that ours is written in."""
    if isinstance(schema, bool):
        return schema
    unknown = set(schema) - {"$schema", "title", "description", *_WORDS}
    assert not unknown, unknown
    return all(_WORDS[word](schema, value) for word in schema if word in _WORDS)


def _properties(schema: Any, value: Any) -> bool:
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    named = value if isinstance(value, dict) else {}
    return all(fits(known.get(name, rest), one) for name, one in named.items())


_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def _type(schema: Any, value: Any) -> bool:
    names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return any(isinstance(value, _TYPES[name]) and isinstance(value, bool) == (name == "boolean") for name in names)


_WORDS: dict[str, Callable[[Any, Any], bool]] = {
    "type": _type,
    "properties": _properties,
    "additionalProperties": _properties,
    "required": lambda schema, value: set(schema["required"]) <= set(value),
    "anyOf": lambda schema, value: any(fits(one, value) for one in schema["anyOf"]),
    "not": lambda schema, value: not fits(schema["not"], value),
    "items": lambda schema, value: not isinstance(value, list) or all(fits(schema["items"], one) for one in value),
    "minItems": lambda schema, value: not isinstance(value, list) or len(value) >= schema["minItems"],
    "minLength": lambda schema, value: not isinstance(value, str) or len(value) >= schema["minLength"],
    "pattern": lambda schema, value: not isinstance(value, str) or bool(re.search(schema["pattern"], value)),
    "enum": lambda schema, value: value in schema["enum"],
    "const": lambda schema, value: value == schema["const"],
    "minimum": lambda schema, value: value >= schema["minimum"],
    "maximum": lambda schema, value: value <= schema["maximum"],
}
