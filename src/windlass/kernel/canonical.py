"""Canonical JSON after RFC 8785: sorted keys, no blanks, so that equal values have equal bytes and digests.

Keys are sorted by UTF-16 code units as the RFC demands. Floats are written by Python's shortest round trip, with
ECMAScript's spelling of whole numbers; NaN and infinities are refused because JSON has none.
"""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def canonical_bytes(value: object) -> bytes:
    """The canonical UTF-8 bytes of a JSON value (tuples count as lists).

    Raises:
        ValueError: a value that JSON cannot hold.
    """
    return _text(value).encode()


def _text(value: object) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
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
    """ECMAScript's spelling of the shortest decimal that reads back as the same number."""
    if not math.isfinite(value):
        raise ValueError("JSON has no NaN and no infinity")
    if value == 0:
        return "0"
    sign, digits, power = Decimal(repr(value)).normalize().as_tuple()
    figures = "".join(map(str, digits))
    point = len(figures) + int(power)  # where the decimal point stands, counted from the first figure
    return ("-" if sign else "") + _spelled(figures, point)


def _spelled(figures: str, point: int) -> str:
    if len(figures) <= point <= 21:
        return figures + "0" * (point - len(figures))
    if 0 < point <= 21:
        return f"{figures[:point]}.{figures[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + figures
    mantissa = figures[0] + (f".{figures[1:]}" if len(figures) > 1 else "")
    return f"{mantissa}e{point - 1:+d}"
