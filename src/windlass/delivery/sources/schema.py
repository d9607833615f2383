"""The JSON Schema of `windlass.yaml`, for editors: it completes keys and marks mistakes while a person types.

It is made from the registry. `parse_service` stays the judge: a schema cannot say that a share must not be written `5`.
"""

from typing import Any

from windlass.delivery.sources.registry import ANY_NAME, BY_NAME, Key, keys_below

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_CLASS = {"required": ["model"], "properties": {"model": {"pattern": ":"}}}  # it needs no training
_ONE_SERVICE = {
    "required": ["service"],
    "anyOf": [{"required": ["train"]}, {"required": ["artifact"]}, _CLASS],
    "not": {"required": ["train", "artifact"]},
}
_LIST_ALONE = {
    "required": ["services"],
    "properties": {"services": True, "windlass": True},
    "additionalProperties": False,
}


def file_schema() -> dict[str, Any]:
    """The schema of the whole file, as a JSON value."""
    return {
        "$schema": DIALECT,
        "title": "windlass.yaml",
        **_group(""),
        "anyOf": [_ONE_SERVICE, _LIST_ALONE],
    }


def _group(name: str) -> dict[str, Any]:
    own = [key for key in keys_below(name) if not key.not_yet]
    free = BY_NAME.get(f"{name}.{ANY_NAME}")
    return {
        "type": "object",
        "properties": {key.name.rpartition(".")[2]: _one(key) for key in own},
        "additionalProperties": _one(free) if free is not None else False,
    }


def _one(key: Key) -> dict[str, Any]:
    described = {"description": key.meaning}
    return {**described, **(_group(key.name) if key.kind is None else key.kind.schema)}
