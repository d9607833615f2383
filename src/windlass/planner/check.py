"""Contradictions: what a plan must never say. The engine does not store a plan that says it."""

from windlass.facts.state import ServiceState
from windlass.kernel.digests import short
from windlass.planner.types import ServicePlan

WEIGHTS = 10_000


def contradictions(before: ServiceState, plan: ServicePlan) -> tuple[str, ...]:
    """Sentences about what is wrong with a plan; empty where nothing is."""
    if plan.slice is None:
        return ()
    found = []
    weights = sum(route.weight for route in plan.slice.routes)
    if weights != WEIGHTS or any(route.weight <= 0 for route in plan.slice.routes):
        found.append(f"the weights sum to {weights} of {WEIGHTS}")
    found += [
        f"release {short(route.release)} is quarantined and would serve"
        for route in plan.slice.routes
        if route.release in plan.state.quarantine
    ]
    placed = {one.release for one in plan.slice.replicas if one.count > 0}
    found += [
        f"release {short(route.release)} would get traffic without a replica"
        for route in plan.slice.routes
        if route.release not in placed
    ]
    found += _raised(before, plan)
    return tuple(found)


def _raised(before: ServiceState, plan: ServicePlan) -> list[str]:
    """Only a pass or a stored override raises the share of a rollout's release."""
    rollout = plan.state.rollout
    if rollout is None:
        return []
    was = before.rollout.share if before.rollout is not None and before.rollout.rollout == rollout.rollout else 0.0
    record = plan.state.releases.get(rollout.release)
    allowed = record is not None and (record.verdict == "pass" or record.overridden)
    if rollout.share > was and not allowed:
        return [f"the share of release {short(rollout.release)} would rise although its gate did not pass"]
    return []
