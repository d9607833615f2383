"""The editor's schema: made from the registry, and of one mind with the parser."""

import json
import re
from typing import Any

from windlass.delivery.sources.parse import parse_service
from windlass.delivery.sources.registry import ANY_NAME, KEYS
from windlass.delivery.sources.schema import DIALECT, file_schema
from windlass.delivery.sources.types import ServiceSpec

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


def test_train_or_artifact_is_required() -> None:
    """A file says where its model comes from in one way, or it only lists services."""
    required = [option["required"] for option in SCHEMA["anyOf"]]
    assert [["service", "train"], ["service", "artifact"], ["services"]] == required
