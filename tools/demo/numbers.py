"""The numbers of the demo: from the load generator's own record and the stored facts, never from what we hoped."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Item = dict[str, Any]
SHORT = 12
V4_SHARE_MAX = 0.05


@dataclass(frozen=True, slots=True)
class Told:
    """What the story knows of one version: when it was committed, and how it should end."""

    version: str
    commit: str
    at: float
    ending: str


@dataclass(frozen=True, slots=True)
class LiveRows:
    """The rows that the load generator sends in turn: how many, and the places of those beyond what training saw."""

    count: int
    beyond: frozenset[int]


def short(digest: str) -> str:
    """The twelve hex digits that the gateway writes on answers."""
    return digest.removeprefix("blake3:")[:SHORT]


def of_versions(told: Sequence[Told], facts: Sequence[Item], record: Sequence[Item]) -> dict[str, Item]:
    """For each version: release, verdicts, seconds and requests."""
    return {one.version: _version(one, facts, record) for one in told}


def _version(told: Told, facts: Sequence[Item], record: Sequence[Item]) -> Item:
    bodies = [(fact["kind"], fact["body"], fact["at"]) for fact in facts]
    release = next((b["release"] for kind, b, _ in bodies if kind == "ReleaseMade" and b["commit"] == told.commit), "")
    mine = [(kind, body, at) for kind, body, at in bodies if release and body.get("release") == release]
    verdicts = [body for kind, body, _ in mine if kind == "VerdictGiven"]
    ended = next((body for kind, body, _ in mine if kind == "RolloutEnded"), None)
    answered = [one for one in record if one["release"] == short(release)]
    first = min((one["at"] for one in answered), default=None)
    made = next((body for kind, body, _ in mine if kind == "ReleaseMade"), None)
    end = _end_at(told, mine)
    return {
        "commit": told.commit,
        "release": release or None,
        "verdicts": verdicts,
        "outcome": ended["outcome"] if ended else (verdicts[-1]["verdict"] if verdicts else None),
        "because": ended["because"] if ended else (verdicts[-1]["sentence"] if verdicts else None),
        "evidence": ended["counts"] if ended else None,
        "quarantined": any(kind == "Quarantined" for kind, _, _ in mine),
        "seconds_to_first_request": None if first is None else round(first - told.at, 2),
        "seconds_to_end_state": None if end is None else round(end - told.at, 2),
        "seconds_of_build": made and made["seconds"],
        "seconds_of_training": made and made["provenance"]["train"]["seconds"],
        "requests": dict(sorted(Counter(str(one["status"]) for one in answered).items())),
    }


def _end_at(told: Told, mine: Sequence[tuple[str, Item, str]]) -> float | None:
    from datetime import datetime

    kinds = ("RolloutEnded",) if told.ending in ("promoted", "rolled_back") else ("VerdictGiven",)
    at = next((at for kind, _, at in mine if kind in kinds), None)
    return None if at is None else datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()


def lost(record: Sequence[Item]) -> int:
    """Requests that were sent and not answered exactly once."""
    answers = Counter(one["n"] for one in record if one["status"])
    sent = max((one["n"] for one in record), default=-1) + 1
    return sum(1 for number in range(sent) if answers[number] != 1)


def failed(record: Sequence[Item]) -> int:
    """Requests that were answered with a failure."""
    return sum(1 for one in record if one["status"] >= 500)


def failing_share(record: Sequence[Item], release: str, live: LiveRows) -> float:
    """The part of all requests that a release fails: those about rows that it must fail on, and about rows that it was
    seen to fail on. What it answered itself is no measure, since it goes back the sooner the more of that failed.
    """
    seen = {one["n"] % live.count for one in record if one["release"] == short(release) and one["status"] != 200}
    failing = live.beyond | seen
    return sum(one["n"] % live.count in failing for one in record) / len(record) if record else 1.0


def promises(
    versions: Mapping[str, Item], record: Sequence[Item], during_kill: Sequence[Item], live: LiveRows
) -> dict[str, bool]:
    """Each promise of the demo, and whether it held."""
    v1, v2, v3, v4 = (versions[name] for name in ("v1", "v2", "v3", "v4"))
    failures = {one["release"] for one in record if one["status"] != 200}
    return {
        "v1 went live": v1["outcome"] == "promoted",
        "v2 is better": _is_better(v2),
        "v2 was promoted on evidence": v2["outcome"] == "promoted" and "shown safe" in (v2["because"] or ""),
        "v3 passed every absolute threshold": _absolute(v3) == {"pass"},
        "v3 fell by the paired test": "fail" in _relative(v3),
        "v3 never saw traffic": not v3["requests"],
        "v4 passed the gate": bool(v4["verdicts"]) and v4["verdicts"][-1]["verdict"] == "pass",
        "v4 fails at most 5 % of the live requests": failing_share(record, v4["release"] or "", live) <= V4_SHARE_MAX,
        "v4 was rolled back by itself": v4["outcome"] == "rolled_back" and "harm shown" in (v4["because"] or ""),
        "v4 is quarantined": v4["quarantined"],
        "no request was lost": bool(record) and lost(record) == 0,
        "only v4 failed requests": failures <= {short(v4["release"] or "")},
        "nobody noticed the dead control plane": bool(during_kill) and all(one["status"] == 200 for one in during_kill),
    }


def _is_better(version: Item) -> bool:
    """Whether the paired test shows it, and not only that it is not worse."""
    checks = [check for verdict in version["verdicts"] for check in verdict["checks"]]
    return any(check.get("relative_to") == "champion" and check.get("better") is True for check in checks)


def _absolute(version: Item) -> set[str]:
    return {c["verdict"] for v in version["verdicts"] for c in v["checks"] if c["line"] == "roc_auc >= 0.60"}


def _relative(version: Item) -> set[str]:
    return {c["verdict"] for v in version["verdicts"] for c in v["checks"] if c.get("relative_to")}
