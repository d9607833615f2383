"""JSON in and out without surprises: no NaN, no infinity, no repeated key, no bottomless nesting."""

import json
import re
from itertools import chain
from typing import Any

import msgspec

from windlass.kernel.errors import clip
from windlass.serving.problems import ModelFailed, Rejected

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def decode(body: bytes) -> Any:
    """The JSON value of a request's body.

    Raises:
        Rejected: it is not JSON, is nested too deeply, names a number that no double holds, or a key twice.
    """
    try:
        value = msgspec.json.decode(body)
        twice = _STRING.sub(b"", body).count(b":") != _pairs(value)
    except RecursionError:
        raise Rejected(400, "too-deep", "the JSON is nested too deeply") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise Rejected(400, "not-json", f"the body is not JSON: {clip(str(error))}", remedy=_hint(body)) from None
    if twice:
        raise Rejected(400, "repeated-key", f"an object has the key {_repeated_key(body)} twice")
    return value


def encode(value: object) -> bytes:
    """The JSON of an answer.

    Raises:
        ModelFailed: the answer holds what JSON has no form for.
    """
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFailed("the model's answer has no JSON form") from error


def _pairs(value: Any) -> int:
    """How many key-value pairs all objects have together. The decoder keeps the last of repeated keys only, so a body
    with a repeated key has more colons outside its strings."""
    found = 0
    level: list[Any] = [value]
    while level:
        kinds = set(map(type, level))
        objects = [item for item in level if type(item) is dict] if dict in kinds else []
        lists = [item for item in level if type(item) is list] if list in kinds else []
        found += sum(map(len, objects))
        level = list(chain(chain.from_iterable(lists), *(item.values() for item in objects)))
    return found


def _repeated_key(body: bytes) -> str:
    found: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        keys = [key for key, _ in pairs]
        found.extend(key for key in keys if keys.count(key) > 1)

    json.loads(body, object_pairs_hook=note)
    return f'"{clip(found[0])}"'


def _hint(body: bytes) -> str:
    if re.search(rb"\bNaN\b|\bInfinity\b", body):
        return "NaN and Infinity are not JSON; send null for a missing value"
    return "send a JSON object or array" if not body else ""
