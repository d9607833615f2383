"""The text of a `windlass.yaml` to the service it wants, or to everything that is wrong with it.

Rules that tie several keys together stand here. A spec that comes out of `parse_service` has every default filled in.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from windlass.delivery.sources.locations import below
from windlass.delivery.sources.reading import Document, read_document
from windlass.delivery.sources.types import DataSpec, GateLine, RolloutSpec, ServiceSpec
from windlass.delivery.sources.validate import Findings, validate
from windlass.kernel.errors import Complaint

GateCheck = Callable[[str], str | None]  # a gate line's text to what is wrong with it and what to write, or None

_NEEDS_NO_ROWS = re.compile(r"(latency|memory|approve)\b")  # lines about the process or about people
_NEEDS_NO_LABEL = re.compile(r"(rows|missing|unseen)\b")  # lines about the held-out rows themselves

_ROLLOUT_FIELDS = {
    "strategy": "strategy",
    "steps": "steps",
    "unit": "unit",
    "time_limit": "time_limit_seconds",
    "unsure": "unsure",
    "newer": "newer",
    "soak": "soak_seconds",
}
_SERVICE_FIELDS = {
    "train": "train",
    "artifact": "artifact",
    "model": "model",
    "allow": "allow",
    "test": "test",
    "python": "python",
    "owner": "owner",
    "timezone": "timezone",
    "env": "env",
    "include": "include",
    "params": "params",
    "breaking": "breaking",
    "freeze": "freeze",
    "replicas": "replicas",
    "memory": "memory_bytes",
    "build_time": "build_seconds_max",
    "timeout": "timeout_seconds",
    "idempotent": "idempotent",
}
_SOURCES = {"train", "artifact", "run", "pin"}
_COLUMNS = ("label", "score", "id", "unit", "time")


def parse_service(data: bytes | str, path: str, gate_check: GateCheck) -> ServiceSpec | tuple[Complaint, ...]:
    """The service that a file wants, or all complaints in the order of their lines. Never raises, whatever the
    bytes are.

    Args:
        data: the file's content.
        path: how complaints call the file.
        gate_check: says what is wrong with a gate line, or None; the grammar belongs to the gates.
    """
    document = read_document(data, path)
    return document if isinstance(document, tuple) else service_of(document, gate_check)


def service_of(document: Document, gate_check: GateCheck) -> ServiceSpec | tuple[Complaint, ...]:
    """The service that an already read file wants, or all complaints."""
    findings = validate(document)
    gate = _gate(findings, gate_check)
    _check_source(findings)
    _check_data(findings, gate)
    if findings.complaints:
        return tuple(sorted(findings.complaints, key=_line_order))
    return _spec(findings, gate)


def service_name(document: Document) -> str:
    """The name under `service:` where it is a valid one, else "". It ties the complaints about a bad file to its
    service."""
    from windlass.delivery.sources.kinds import SERVICE_NAME

    try:
        return str(SERVICE_NAME.read(document.value.get("service")))
    except ValueError:
        return ""


def _line_order(complaint: Complaint) -> tuple[int, int]:
    _, line, column = complaint.where.rsplit(":", 2)
    return int(line), int(column)


def _gate(findings: Findings, gate_check: GateCheck) -> tuple[GateLine, ...]:
    """The lines under `gate:` with their places; what the gates say about each is added to the complaints."""
    lines = []
    seen: dict[str, int] = {}
    document = findings.document
    for index, text in enumerate(findings.values.get("gate") or ()):
        at = ("gate", index)
        if (wrong := gate_check(text)) is not None:
            findings.complain(at, wrong)
        if text in seen:
            findings.complain(at, f"says the same as gate[{seen[text]}]; take one out")
        seen.setdefault(text, index)
        line, column = document.places[at]
        lines.append(GateLine(text, f"{document.path}:{line}:{column}"))
    return tuple(lines)


def _check_source(findings: Findings) -> None:
    """The service has a name, and exactly one way to get its model. What a misspelt key was near to is not missing."""
    given = findings.document.value
    if "service" not in given and "service" not in findings.meant:
        findings.complain((), "has no service; write service: <name>")
    if "train" in given and "artifact" in given:
        findings.complain(("artifact",), "stands beside train; keep the one that makes the model", key=True)
    elif not _has_source(findings):
        ways = "train: <command>, artifact: <path>, or model: module:Class for a class that needs no training"
        findings.complain((), f"does not say where the model comes from; write {ways}")


def _has_source(findings: Findings) -> bool:
    """Whether the file says where the model comes from, or means to, with a key that is misspelt."""
    given = findings.document.value
    is_class = ":" in str(given.get("model", ""))
    return is_class or bool(_SOURCES & set(given)) or bool({*_SOURCES, "model"} & findings.meant)


def _check_data(findings: Findings, gate: tuple[GateLine, ...]) -> None:
    """The holdout is kept apart, each column has one meaning, and a gate that needs rows has them."""
    values = findings.values
    holdout = values.get("data.holdout")
    for name, location in {"train": values.get("data.train"), **findings.data}.items():
        if holdout is not None and location is not None and below(holdout, location):
            findings.complain(("data", name), "holds the holdout, which training must not see; keep them apart")
    columns: dict[str, str] = {}
    for name in _COLUMNS:
        column = values.get(f"data.{name}")
        if column is not None and column in columns:
            findings.complain(("data", name), f'is the column "{column}" like {columns[column]}; name another one')
        elif column is not None:
            columns[column] = name
    _check_gate_has_rows(findings, gate)


def _check_gate_has_rows(findings: Findings, gate: tuple[GateLine, ...]) -> None:
    given = findings.document.value.get("data")
    present = set(given) if isinstance(given, dict) else set()
    judged = [line.text for line in gate if not _NEEDS_NO_ROWS.match(line.text)]
    present |= {key.removeprefix("data.") for key in findings.meant if key.startswith("data.")}
    if judged and "holdout" not in present:
        findings.complain(("gate",), "needs data.holdout; write data: {holdout: data/holdout.csv}", key=True)
    if any(not _NEEDS_NO_LABEL.match(text) for text in judged) and "label" not in present:
        findings.complain(("gate",), "needs data.label; write data: {label: <column>}", key=True)


def _spec(findings: Findings, gate: tuple[GateLine, ...]) -> ServiceSpec:
    values = findings.values
    return ServiceSpec(
        service=values["service"],
        data=_data(findings),
        gate=gate,
        rollout=_rollout(values),
        **_renamed(values, "", _SERVICE_FIELDS),
    )


def _data(findings: Findings) -> DataSpec:
    values = findings.values
    train = {"train": values["data.train"]} if "data.train" in values else {}
    fields = {name: name for name in ("holdout", "positive", *_COLUMNS)}
    return DataSpec(entries=train | findings.data, **_renamed(values, "data.", fields))


def _rollout(values: Mapping[str, Any]) -> RolloutSpec:
    fields = _renamed(values, "rollout.", _ROLLOUT_FIELDS)
    if "rollout.limits" in values:
        declared = values["rollout.limits"]
        has_errors = any(limit.family == "errors" for limit in declared)
        fields["limits"] = declared if has_errors else (*RolloutSpec().limits, *declared)
    return RolloutSpec(**fields)


def _renamed(values: Mapping[str, Any], prefix: str, fields: Mapping[str, str]) -> dict[str, Any]:
    return {field: values[f"{prefix}{key}"] for key, field in fields.items() if f"{prefix}{key}" in values}
