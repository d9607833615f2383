"""What is known about a watched repository."""

from hypothesis import given, settings

from tests.facts.worlds import histories
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.repositories import RepositoryState, fold_repository
from windlass.kernel.instants import Instant

WATCHED = kinds.RepositoryWatched("/repo", "main", "ann")
SEEN = kinds.CommitSeen("/repo", "main", "c1", "subject", "Ann")
WANTED = kinds.ServiceWanted("/repo", "c1", "s", "Ann", "", {}, "p", "k")


def after(*steps: tuple[str, object], state: RepositoryState | None = None) -> RepositoryState | None:
    """The state that facts lead to; each step is a service and what happened."""
    for service, body in steps:
        state = fold_repository(state, Fact(service, Instant(1), body))
    return state


def test_nothing_is_known_before_it_is_watched() -> None:
    """Facts of a repository that nobody watches lead to no state."""
    assert after(("", SEEN), ("a", WANTED)) is None


def test_a_watched_repository_follows_its_facts() -> None:
    """Its newest commit, its complaints until they end, and every service that came from it, sorted and once."""
    steps = [("", WATCHED), ("", SEEN), ("b", WANTED), ("a", WANTED), ("b", WANTED)]
    state = after(*steps, ("", kinds.SourceComplained("/repo", "c1", ("no branch",))))
    assert state == RepositoryState("/repo", "main", "c1", ("no branch",), ("a", "b"))
    assert after(("", kinds.SourceComplained("/repo", "c1", ())), state=state) == RepositoryState(
        "/repo", "main", "c1", (), ("a", "b")
    )


def test_another_branch_begins_anew() -> None:
    """Watching the same branch again changes nothing; another one has no commit yet, and keeps the services."""
    state = after(("", WATCHED), ("", SEEN), ("a", WANTED))
    assert after(("", WATCHED), state=state) == state
    other = kinds.RepositoryWatched("/repo", "next", "ann")
    assert after(("", other), state=state) == RepositoryState("/repo", "next", services=("a",))


@settings(max_examples=30)
@given(history=histories())
def test_any_facts_fold(history: list[Fact]) -> None:
    """No order of facts is an error."""
    state = after(("", WATCHED), *((fact.service, fact.body) for fact in history))
    assert state is not None
    assert list(state.services) == sorted(set(state.services))
