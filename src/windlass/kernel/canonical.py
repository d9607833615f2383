"""Canonical JSON after RFC 8785: sorted keys, no blanks, so that equal values have equal bytes and digests.

Keys are sorted by UTF-16 code units as the RFC demands. Floats are written by Python's shortest round trip, with
ECMAScript's spelling of whole numbers; NaN and infinities are refused because JSON has none.
"""

import json
import math
from collections.abc import Mapping

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def canonical_bytes(value: object) -> bytes:
    """The canonical UTF-8 bytes of a JSON value (tuples count as lists).

    Raises:
        ValueError: a value that JSON cannot hold.
    """
    return _text(value).encode()


def _text(value: object) -> str:
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: str(key).encode("utf-16-be"))
        return "{" + ",".join(f"{_text(str(key))}:{_text(value[key])}" for key in keys) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_text(item) for item in value) + "]"
    raise ValueError(f"JSON cannot hold a {type(value).__name__}")


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("JSON has no NaN and no infinity")
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    mantissa, mark, exponent = repr(value).partition("e")
    if not mark:
        return mantissa
    power = int(exponent)
    if -7 < power < 0:
        return f"{value:.{len(mantissa.replace('.', '').replace('-', '')) - 1 - power}f}"
    return f"{mantissa}e{'+' if power > 0 else '-'}{abs(power)}"
