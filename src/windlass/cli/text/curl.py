"""The request that a person can paste: a real row where one is known, else one made from the signature."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

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


def curl(port: int, service: str, row: Mapping[str, Any]) -> str:
    """A command that asks the service for one prediction."""
    body = shlex.quote(json.dumps(row, ensure_ascii=False))
    return f"curl -s http://127.0.0.1:{port}/predict/{service} -H 'Content-Type: application/json' -d {body}"
