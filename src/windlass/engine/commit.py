"""One compare-and-set: facts, states and slices become true together, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from windlass.delivery.services.types import ServiceSlice
from windlass.facts.fold import fold
from windlass.facts.ledger import Fact
from windlass.facts.repositories import RepositoryState, fold_repository
from windlass.facts.state import ServiceState
from windlass.planner.types import ServicePlan
from windlass.ports.store import Change, Store, Stored

StateT = TypeVar("StateT")


@dataclass(frozen=True, slots=True)
class Committed:
    """The stored state after a commit; `won` is False where somebody else committed before, and nothing was stored."""

    stored: Stored
    won: bool


def fold_facts(stored: Stored, facts: Sequence[Fact]) -> Stored:
    """The states that some new facts lead to."""
    repositories: dict[str, RepositoryState] = dict(stored.repositories)
    services: dict[str, ServiceState] = dict(stored.services)
    for fact in facts:
        name = getattr(fact.body, "repository", "")
        if name:
            state = fold_repository(repositories.get(name), fact)
            if state is not None:
                repositories[name] = state
        if fact.service:
            services[fact.service] = fold(services.get(fact.service, ServiceState(fact.service)), fact)
    return replace(stored, repositories=repositories, services=services)


async def commit_facts(store: Store, stored: Stored, facts: Sequence[Fact]) -> Committed:
    """Store facts that change no slice: what was observed, what a person asked for."""
    if not facts:
        return Committed(stored, True)
    return await _commit(store, stored, fold_facts(stored, facts), tuple(facts), {})


async def commit_plans(store: Store, stored: Stored, plans: Sequence[ServicePlan]) -> Committed:
    """Store what the plans say; a settled system stores nothing."""
    facts = tuple(fact for plan in plans for fact in plan.facts)
    slices = {plan.service: plan.slice for plan in plans if plan.slice != stored.slices.get(plan.service)}
    if not facts and not slices:
        return Committed(stored, True)
    return await _commit(store, stored, fold_facts(stored, facts), facts, slices)


async def _commit(
    store: Store, before: Stored, after: Stored, facts: tuple[Fact, ...], slices: Mapping[str, ServiceSlice | None]
) -> Committed:
    change = Change(
        parent=before.generation,
        facts=facts,
        repositories=tuple(_changed(before.repositories, after.repositories)),
        services=tuple(_changed(before.services, after.services)),
        slices=slices,
    )
    if not await store.commit(change):
        return Committed(before, False)
    kept = {**before.slices, **slices}
    stored = replace(
        after,
        generation=before.generation + 1,
        plan_generation=before.generation + 1 if slices else before.plan_generation,
        slices={service: one for service, one in sorted(kept.items()) if one is not None},
    )
    return Committed(stored, True)


def _changed(before: Mapping[str, StateT], after: Mapping[str, StateT]) -> list[StateT]:
    return [value for key, value in sorted(after.items()) if before.get(key) is not value]
