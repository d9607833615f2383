"""A plan in words: what changes between two slices of one service, and between two of its files."""

from collections.abc import Mapping

from windlass.delivery.gates.changes import gate_changes
from windlass.delivery.services.types import ServiceSlice
from windlass.delivery.sources.keys import BUILD_FIELDS
from windlass.delivery.sources.types import ServiceSpec
from windlass.kernel.digests import short
from windlass.kernel.records import to_json


def diff_in_words(before: ServiceSlice | None, after: ServiceSlice | None) -> tuple[str, ...]:
    """Lines such as `share 5f2a…   5 -> 25 %`; empty where nothing changes that a caller could see."""
    old, new = _shares(before), _shares(after)
    lines = [
        f"share {short(release)}  {old.get(release, 0) / 100:g} -> {new.get(release, 0) / 100:g} %"
        for release in sorted({*old, *new})
        if old.get(release, 0) != new.get(release, 0)
    ]
    banned_before = set(before.banned) if before else set()
    banned_after = set(after.banned) if after else set()
    lines += [f"quarantine {short(release)}" for release in sorted(banned_after - banned_before)]
    lines += [f"lift the quarantine of {short(release)}" for release in sorted(banned_before - banned_after)]
    return tuple(lines)


def _shares(one: ServiceSlice | None) -> dict[str, int]:
    return {route.release: route.weight for route in one.routes} if one else {}


def policy_in_words(before: object, spec: ServiceSpec) -> list[str]:
    """What is different in the file and needs no build, in words; a looser gate is called so."""
    if not isinstance(before, Mapping):
        return []
    now = to_json(spec)
    old_lines = [str(line["text"]) for line in before.get("gate", ())]
    changes = gate_changes(old_lines, [line.text for line in spec.gate])
    for name in sorted(set(before) | set(now)):
        if name not in (*BUILD_FIELDS, "gate"):
            changes += _differences(name, before.get(name), now.get(name))
    return changes


def _differences(name: str, before: object, now: object) -> list[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = sorted(set(before) | set(now))
        return [line for key in keys for line in _differences(f"{name}.{key}", before.get(key), now.get(key))]
    return [] if before == now else [f"{name}: {_word(before)} -> {_word(now)}"]


def _word(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_word(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return str(value.get("line", value))
    return "none" if value in (None, "") else str(value)
