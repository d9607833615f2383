"""A document's values against the registry: what each key means, or what is wrong with it and what to write instead.

Everything is looked at, so that all complaints come at once. Rules about one value stand in `kinds.py`, rules between
values in `parse.py`.
"""

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from windlass.delivery.sources.kinds import Kind, shown
from windlass.delivery.sources.reading import Document, Path
from windlass.delivery.sources.registry import ANY_NAME, BY_NAME, KEYS, keys_below
from windlass.kernel.errors import Complaint
from windlass.kernel.limits import COMPLAINTS_MAX

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_DATA_NAME = re.compile(r"[a-z][a-z0-9_]{0,38}")
_OWN_PREFIX = "WINDLASS_"  # variables that Windlass itself hands to training


@dataclass(slots=True)
class Findings:
    """The values that were read, by dotted name, and the complaints so far. `data` holds the data sets with free
    names, `meant` the keys that misspelt ones were near to."""

    document: Document
    values: dict[str, Any] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    meant: set[str] = field(default_factory=set)

    def complain(self, at: Path, what: str, *, key: bool = False) -> None:
        """Note a complaint about the value at `at`, or about its key."""
        self.complaints.append(self.document.complaint(at, what, key=key))


def validate(document: Document) -> Findings:
    """Read every key of the file."""
    findings = Findings(document)
    _group(findings, document.value, ())
    return findings


def _group(findings: Findings, values: dict[str, Any], at: Path) -> None:
    prefix = "".join(f"{part}." for part in at)
    for name, value in values.items():
        key = BY_NAME.get(f"{prefix}{name}") if name != ANY_NAME else None
        here = (*at, name)
        if key is None:
            _unknown(findings, value, here)
        elif key.not_yet:
            findings.complain(here, f"is known, but not built yet: {key.not_yet}; take it out", key=True)
        elif value is None:
            findings.complain(here, "is blank; give it a value or take it out", key=True)
        elif key.kind is not None:
            findings.values[key.name] = _value(findings, key.kind, value, here)
        elif isinstance(value, dict):
            _group(findings, value, here)
        else:
            findings.complain(here, f"must be a mapping, not {shown(value)}; write it like {key.example}")


def _unknown(findings: Findings, value: Any, at: Path) -> None:
    """A key that the registry does not hold: a data set with a name of its own, or a mistake."""
    name = str(at[-1])
    group = ".".join(str(part) for part in at[:-1])
    here = {key.name.rpartition(".")[2]: key for key in keys_below(group)}
    is_told = len(findings.complaints) <= COMPLAINTS_MAX  # for more than that nobody is shown what was meant
    near = get_close_matches(name, here, n=1, cutoff=0.7) if is_told else []
    built = ", ".join(known for known, key in here.items() if not key.not_yet)
    is_location = isinstance(value, str) and ("/" in value or "." in value)
    if group == "data" and (is_location or not near):
        _data_set(findings, value, at)
    elif elsewhere := _elsewhere(name):
        findings.complain(at, f"is not a key here; {elsewhere}", key=True)
    elif near:
        findings.meant.add(here[near[0]].name)
        findings.complain(at, f'is not a key; did you mean "{near[0]}"?', key=True)
    else:
        findings.complain(at, f"is not a key; write one of {built}", key=True)


def _elsewhere(name: str) -> str:
    for key in KEYS:
        group, _, last = key.name.rpartition(".")
        if last == name:
            return f"write it below {group}:" if group else "write it at the beginning of a line"
    return ""


def _data_set(findings: Findings, value: Any, at: Path) -> None:
    name = str(at[-1])
    kind = BY_NAME[f"data.{ANY_NAME}"].kind
    assert kind is not None
    if not _DATA_NAME.fullmatch(name):
        findings.complain(at, "cannot name a data set; use a to z, 0 to 9 and _, with a letter first", key=True)
    elif value is None:
        findings.complain(at, "is blank; give it a value or take it out", key=True)
    elif (location := _single(findings, kind, value, at)) is not None:
        findings.data[name] = location


def _value(findings: Findings, kind: Kind, value: Any, at: Path) -> Any:
    if kind.form == "list":
        return _list(findings, kind, value, at)
    if kind.form == "mapping":
        return _mapping(findings, kind, value, at)
    return _single(findings, kind, value, at)


def _single(findings: Findings, kind: Kind, value: Any, at: Path) -> Any:
    """The value as the spec holds it; None, and a complaint, where it cannot be read."""
    if value is None:
        findings.complain(at, "is blank; give it a value or take it out")
        return None
    try:
        return kind.read(value)
    except ValueError as error:
        findings.complain(at, str(error))
        return None


def _list(findings: Findings, kind: Kind, value: Any, at: Path) -> Any:
    assert kind.item is not None and kind.whole is not None
    if not isinstance(value, list):
        findings.complain(at, f"must be {kind.words}, not {shown(value)}; write it in [ ], or one item a line")
        return None
    if not value:
        findings.complain(at, "is an empty list; fill it or take it out")
        return None
    items = [_single(findings, kind.item, item, (*at, index)) for index, item in enumerate(value)]
    if None in items:
        return None
    try:
        return kind.whole(items)
    except ValueError as error:
        findings.complain(at, str(error))
        return None


def _mapping(findings: Findings, kind: Kind, value: Any, at: Path) -> Any:
    assert kind.item is not None
    if not isinstance(value, dict):
        findings.complain(at, f"must be {kind.words}, not {shown(value)}")
        return None
    for name in value:
        if at == ("env",) and not _VARIABLE.fullmatch(name):
            findings.complain((*at, name), "is no name of a variable; use letters, digits and _", key=True)
        elif at == ("env",) and name.startswith(_OWN_PREFIX):
            findings.complain((*at, name), f"is set by Windlass; use a name without {_OWN_PREFIX}", key=True)
    return {name: _single(findings, kind.item, item, (*at, name)) for name, item in value.items()}
