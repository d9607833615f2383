"""The current state of one watched repository: a fold of its facts (those whose service is empty)."""

from dataclasses import dataclass, replace

from windlass.facts import types as kinds
from windlass.facts.ledger import Fact


@dataclass(frozen=True, slots=True)
class RepositoryState:
    """`commit` is the newest commit that was read; `complaints` what is wrong at the source now."""

    repository: str
    branch: str
    commit: str = ""
    complaints: tuple[str, ...] = ()
    services: tuple[str, ...] = ()  # services that came from here


def fold_repository(state: RepositoryState | None, fact: Fact) -> RepositoryState | None:
    """The repository's state after one more fact; None where none is watched yet."""
    body = fact.body
    if isinstance(body, kinds.RepositoryWatched):
        if state is not None and state.branch == body.branch:
            return state
        return RepositoryState(body.repository, body.branch, services=state.services if state else ())
    if state is None:
        return None
    if isinstance(body, kinds.CommitSeen):
        return replace(state, commit=body.commit)
    if isinstance(body, kinds.SourceComplained):
        return replace(state, complaints=body.complaints)
    if isinstance(body, kinds.ServiceWanted) and fact.service not in state.services:
        return replace(state, services=tuple(sorted((*state.services, fact.service))))
    return state
