"""What a working copy would bring about. Pure: made from the spec, and from what the control plane knows, if it runs.

The expected time counts requests until an error-free candidate is shown safe; evidence adds up over the steps, so the
later ones last as long as their soak.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from windlass.delivery.rollouts.pace import few_requests, requests_needed, shares_of
from windlass.delivery.sources.types import FoundService, ServiceSpec
from windlass.kernel.digests import short
from windlass.planner.diff import policy_in_words

QUERIES_MAX = 20  # after so many looks at the same held-out rows a pass means nothing
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What the control plane says of a service: its part of the status, and its facts."""

    item: Item
    facts: tuple[Item, ...]

    def newest(self, kind: str, **wanted: object) -> Item | None:
        """The body of the newest fact of a kind that has these values."""
        bodies = [fact["body"] for fact in reversed(self.facts) if fact["kind"] == kind]
        return next((body for body in bodies if all(body.get(key) == value for key, value in wanted.items())), None)

    def queries_used(self) -> int | None:
        """How often the held-out rows were asked, as the newest verdict that spent a query says."""
        verdicts = [fact["body"] for fact in self.facts if fact["kind"] == "VerdictGiven"]
        return next((int(body["query"]) for body in reversed(verdicts) if body.get("query")), None)


def forecast(found: FoundService, known: Known | None, running: bool, rate: float | None) -> dict[str, Any]:
    """What would happen to one service.

    Args:
        found: the service as the working copy has it.
        known: what the control plane knows of it; None where it knows nothing or does not run.
        running: whether the control plane was asked.
        rate: requests per second that callers send; None where that is not known.
    """
    changes = policy_in_words(known.item.get("spec"), found.spec) if known else []
    build = _build(found, known, running) | {"limits": _limits(found.spec)}
    return {
        "service": found.name,
        "path": found.path,
        "changed": (bool(build["needed"]) or bool(changes) or known is None) if running else None,
        "new": known is None if running else None,
        "build": build,
        "changes": changes,
        "gate": _gate(found.spec, known),
        "rollout": _rollout(found.spec, known, rate),
    }


def _build(found: FoundService, known: Known | None, running: bool) -> dict[str, Any]:
    if not running:
        return {"needed": None, "because": "the control plane does not run here, so what is built already is not known"}
    if known is None:
        return {"needed": True, "because": "the service is new"}
    for one in known.item.get("quarantine", ()):
        if one["build_key"] == found.build_key:
            because = (
                f"this content is quarantined: {one['because']}; `windlass retry {short(one['release'])}` lifts that"
            )
            return {"needed": False, "because": because}
    made = known.newest("ReleaseMade", build_key=found.build_key)
    if made is not None:
        return {"needed": False, "because": f"reused: the same content is release {short(made['release'])}"}
    started = known.newest("BuildStarted", build_key=found.build_key)
    if started is not None:
        return {"needed": True, "because": f"the same content was begun for commit {short(started['commit'])}"}
    return {"needed": True, "because": "its files, its build fields or its data differ from every release so far"}


def _limits(spec: ServiceSpec) -> dict[str, Any]:
    """What ends a build; no number of bytes stands for 80 % of the machine's memory."""
    return {"seconds": spec.build_seconds_max, "memory_bytes": spec.memory_bytes or None}


def _gate(spec: ServiceSpec, known: Known | None) -> dict[str, Any]:
    verdict = known.newest("VerdictGiven") if known else None
    seen = [check.get("margin_visible") for check in (verdict or {}).get("checks", ())]
    asked = known.queries_used() if known else None
    return {
        "lines": [line.text for line in spec.gate],
        "champion": known.item["live"]["release"] if known and known.item.get("live") else None,
        "queries_used": asked,
        "queries_left": None if asked is None else QUERIES_MAX - asked,
        "margin_visible": next((margin for margin in seen if margin is not None), None),
    }


def _rollout(spec: ServiceSpec, known: Known | None, rate: float | None) -> dict[str, Any]:
    first = None if known is None else not known.item.get("live")
    rate = rate if rate is not None or known is None else known.item.get("requests_per_second")
    few = few_requests(spec.rollout, rate)
    return {
        "first_release": first,
        "shares": list(shares_of(spec.rollout, few)),
        "because": few.words() if few is not None else None,
        "soak_seconds": spec.rollout.soak_seconds,
        "limits": [limit.line for limit in spec.rollout.limits],
        "candidate_requests": requests_needed(spec.rollout.limits),
        "rate_per_second": rate,
        "expected_seconds": expected_seconds(spec, rate) if rate else None,
    }


def expected_seconds(spec: ServiceSpec, rate: float) -> float:
    """How long an error-free rollout takes at a rate of requests per second, all steps together."""
    soak, shares = spec.rollout.soak_seconds, shares_of(spec.rollout, few_requests(spec.rollout, rate))
    waited = max(soak, requests_needed(spec.rollout.limits) / (rate * shares[0])) if shares[0] < 1 else 0.0
    return waited + soak * sum(share < 1 for share in shares[1:])
