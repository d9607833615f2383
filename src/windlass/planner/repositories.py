"""The pass over one repository: what a commit's tree means for the services in it."""

from windlass.delivery.sources.decide import SourceView, decide
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.state import ServiceState
from windlass.kernel.instants import Instant


def plan_repository(view: SourceView, now: Instant) -> tuple[Fact, ...]:
    """The facts of a commit that was read; a commit that was never built and is overtaken becomes a fact too."""
    found: list[Fact] = []
    for fact in decide(view, now):
        state = view.services.get(fact.service)
        if isinstance(fact.body, kinds.ServiceWanted) and state is not None and _overtaken(state, fact.body):
            assert state.wanted is not None
            found.append(Fact(fact.service, now, kinds.CommitSkipped(state.wanted.commit, fact.body.commit)))
        found.append(fact)
    return tuple(found)


def _overtaken(state: ServiceState, newer: kinds.ServiceWanted) -> bool:
    wanted = state.wanted
    return wanted is not None and wanted.build_key != newer.build_key and wanted.build_key not in state.builds
