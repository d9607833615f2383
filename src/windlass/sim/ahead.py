"""What the next pass of the control plane would do, without doing it: the same looking and planning, and no storing."""

from collections.abc import Iterator
from dataclasses import replace

from windlass.adapters.simulated.world import SimulatedChance
from windlass.engine import observe
from windlass.engine.commit import fold_facts
from windlass.engine.loop import Engine
from windlass.engine.planning import Planning
from windlass.engine.queries import deciding
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.sentences import sentence
from windlass.facts.state import ServiceState
from windlass.planner.diff import diff_in_words, policy_in_words
from windlass.planner.views import spec_of


async def next_pass(engine: Engine, service: str) -> list[str]:
    """What the pass would note, and what would change for callers; where that is nothing, what is waited for."""
    ports = replace(engine.ports, chance=SimulatedChance(0))  # who asks changes nothing of what is drawn later
    stored = await ports.store.load()
    seen = await observe.repositories(ports, observe.Watch(), stored.repositories, stored.services)
    after = fold_facts(stored, seen)
    planning = Planning(ports, engine.sites)
    made = [one for one in await planning.plan(after, await ports.compute.look()) if one.service == service]
    lines = list(_noted([*seen, *(fact for plan in made for fact in plan.facts)], stored.services.get(service)))
    for plan in made:
        lines += diff_in_words(stored.slices.get(service), plan.slice)
        report = deciding(plan.state, plan)
        if not lines and report is not None:
            lines = [f"{report.because}; until {report.until}"]
    return [*lines, *planning.contradictions.get(service, ())]


def _noted(facts: list[Fact], before: ServiceState | None) -> Iterator[str]:
    """Every fact in its words, and how a file differs from the one in force."""
    of_service = [fact for fact in facts if fact.service]
    for fact in of_service or [fact for fact in facts if isinstance(fact.body, kinds.SourceComplained)]:
        yield sentence(fact)
        if isinstance(fact.body, kinds.ServiceWanted) and before is not None and before.wanted is not None:
            after = replace(before, wanted=replace(before.wanted, spec=fact.body.spec))
            yield from policy_in_words(before.wanted.spec, spec_of(after))
