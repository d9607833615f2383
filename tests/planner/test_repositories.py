"""Commits of a repository, one after the other: which of them are skipped."""

from tests.delivery.sources.trees import reading
from windlass.delivery.sources.types import CommitRead, SourceView
from windlass.facts import types as kinds
from windlass.facts.fold import fold
from windlass.facts.ledger import Fact
from windlass.facts.repositories import RepositoryState
from windlass.facts.state import ServiceState
from windlass.kernel.instants import Instant
from windlass.planner.repositories import plan_repository

NOW = Instant(1_000)
API = ServiceState("api")


def seen(state: ServiceState, commit: str, train: str, more: str = "") -> tuple[Fact, ...]:
    """The facts of a commit whose service is trained by this command."""
    found = reading({"windlass.yaml": f"service: api\ntrain: {train}\n{more}"})
    repository = RepositoryState("/repo", "main", "before")
    read = CommitRead(commit, f"subject of {commit}", "Ann <ann@example.org>", False)
    return plan_repository(SourceView(repository, read, found, {"api": state}), NOW)


def after(state: ServiceState, facts: tuple[Fact, ...]) -> ServiceState:
    """The service after the facts that are about it."""
    for fact in facts:
        state = fold(state, fact) if fact.service else state
    return state


def about_the_service(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.kind for fact in facts if fact.service == "api"]


def test_a_commit_that_was_overtaken_before_it_was_built_is_skipped() -> None:
    """Skipping a commit is a fact that names both commits, and comes before the newer one is wanted."""
    first = seen(API, "c1", "one")
    assert ["ServiceWanted"] == about_the_service(first)
    second = seen(after(API, first), "c2", "two")
    assert ["CommitSkipped", "ServiceWanted"] == about_the_service(second)
    assert Fact("api", NOW, kinds.CommitSkipped("c1", "c2")) == second[1]


def test_a_commit_whose_build_has_begun_is_not_skipped() -> None:
    """What is built, or was, leaves its own trace."""
    first = after(API, seen(API, "c1", "one"))
    assert first.wanted is not None
    started = Fact("api", NOW, kinds.BuildStarted("c1", first.wanted.build_key, "build-1"))
    assert ["ServiceWanted"] == about_the_service(seen(fold(first, started), "c2", "two"))


def test_a_commit_that_builds_the_same_is_not_skipped() -> None:
    """Another policy over the same content goes on with the build that is due."""
    first = after(API, seen(API, "c1", "one"))
    assert ["ServiceWanted"] == about_the_service(seen(first, "c2", "one", "timeout: 3s\n"))
