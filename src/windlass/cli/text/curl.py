"""The request that a person can paste: a real row where one is known, else one made from the signature."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

DIGITS = 6  # a sample is there to be asked with, and read
_EXAMPLES = {"BOOL": True, "BYTES": "text"}


def example_row(signature: Mapping[str, Any]) -> dict[str, Any] | None:
    """A row that fits the signature; None for a model of bare tensors."""
    columns = signature.get("columns") or ()
    return {column["name"]: _example(column) for column in columns} or None


def _example(column: Mapping[str, Any]) -> Any:
    if column.get("categories"):
        return column["categories"][0]
    datatype = str(column.get("datatype", ""))
    return _EXAMPLES.get(datatype, 1.0 if datatype.startswith(("FP", "BF")) else 1)


def _rounded(value: Any) -> Any:
    """A float in so many digits as a person reads; what is no float stays.

    >>> _rounded(0.038075906433423026), _rounded(1234567.0), _rounded("a"), _rounded(True)
    (0.0380759, 1234570.0, 'a', True)
    """
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def curl(port: int, service: str, row: Mapping[str, Any]) -> str:
    """A command that asks the service for one prediction."""
    body = shlex.quote(json.dumps({name: _rounded(value) for name, value in row.items()}, ensure_ascii=False))
    return f"curl -s http://127.0.0.1:{port}/predict/{service} -H 'Content-Type: application/json' -d {body}"
