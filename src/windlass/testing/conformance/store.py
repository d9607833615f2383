"""What every store of facts keeps."""

import asyncio
from collections.abc import Callable, Mapping

from windlass.delivery.services.types import ReplicaSet, Route, ServiceSlice
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.repositories import RepositoryState
from windlass.facts.state import ServiceState
from windlass.kernel.instants import Instant
from windlass.ports.store import Change, FactQuery, Store, Stored
from windlass.testing.conformance.runs import Runs


def frozen(service: str, reason: str) -> Fact:
    """A small fact."""
    return Fact(service, Instant(1_700_000_000_000), kinds.Frozen("ann", reason))


def slice_of(service: str, step: str) -> ServiceSlice:
    """A service with one release."""
    return ServiceSlice(service, step, (Route("blake3:1", 10_000, "champion"),), (ReplicaSet("blake3:1", 1),))


class StoreConformance(Runs):
    """Give fixtures `store`: an empty store; and `again`: a function that closes a store and opens what it holds."""

    def test_an_empty_store_knows_nothing(self, store: Store) -> None:
        """The first generation is 0, without services and facts."""
        assert self.run(store.load()) == Stored()
        assert self.run(store.facts(FactQuery())) == ()

    def test_a_commit_is_seen_whole(self, store: Store) -> None:
        """Facts, states and slices of one commit are there together, under the next generation."""
        state, watched = ServiceState("a", live="blake3:1"), RepositoryState("/repo", "main")
        change = Change(0, (frozen("a", "x"), frozen("", "y")), (watched,), (state,), {"a": slice_of("a", "s1")})
        assert self.run(store.commit(change))
        expected = Stored(1, 1, {"/repo": watched}, {"a": state}, {"a": slice_of("a", "s1")})
        assert self.run(store.load()) == expected
        assert [fact.body for fact in self.run(store.facts(FactQuery()))] == [fact.body for fact in change.facts]

    def test_a_late_commit_changes_nothing(self, store: Store) -> None:
        """A commit whose parent is not the stored generation is refused as a whole."""
        assert self.run(store.commit(Change(0, (frozen("a", "first"),), (), (ServiceState("a", live="1"),))))
        before = self.run(store.load())
        late = Change(0, (frozen("a", "late"),), (), (ServiceState("a", live="2"),), {"a": slice_of("a", "s")})
        assert not self.run(store.commit(late))
        assert not self.run(store.commit(Change(7, (frozen("a", "early"),))))
        assert self.run(store.load()) == before
        assert len(self.run(store.facts(FactQuery()))) == 1

    def test_of_two_at_once_one_wins(self, store: Store) -> None:
        """Commits with one parent that meet: exactly one becomes true."""

        async def race() -> list[bool]:
            changes = (Change(0, (frozen("a", str(number)),)) for number in range(5))
            return list(await asyncio.gather(*(store.commit(change) for change in changes)))

        assert sorted(self.run(race())) == [False, False, False, False, True]
        assert self.run(store.load()).generation == 1
        assert len(self.run(store.facts(FactQuery()))) == 1

    def test_the_plan_moves_only_with_a_slice(self, store: Store) -> None:
        """The plan's generation is that of the last commit that changed a slice, or took one away."""
        moves: list[tuple[Mapping[str, ServiceSlice | None], int]] = [
            ({"a": slice_of("a", "s1")}, 1),
            ({}, 1),
            ({"a": slice_of("a", "s1")}, 1),
            ({"a": slice_of("a", "s2"), "b": slice_of("b", "s1")}, 4),
            ({"a": None}, 5),
            ({"a": None}, 5),
        ]
        for parent, (slices, expected) in enumerate(moves):
            assert self.run(store.commit(Change(parent, slices=slices)))
            stored = self.run(store.load())
            assert (parent + 1, expected) == (stored.generation, stored.plan_generation)
        assert self.run(store.load()).slices == {"b": slice_of("b", "s1")}

    def test_facts_are_found_by_what_is_asked(self, store: Store) -> None:
        """Numbers grow without gaps; service, kind, number and limit choose, and the newest win."""
        thawed = Fact("a", Instant(5), kinds.Thawed("bob", "done"))
        self.run(store.commit(Change(0, (frozen("a", "1"), frozen("b", "2"), thawed, frozen("a", "4")))))
        asked = {
            FactQuery(): (1, 2, 3, 4),
            FactQuery(service="a"): (1, 3, 4),
            FactQuery(service=""): (),
            FactQuery(after=2): (3, 4),
            FactQuery(limit=2): (3, 4),
            FactQuery(kinds=("Thawed",)): (3,),
            FactQuery(service="a", after=1, limit=1, kinds=("Frozen", "Thawed")): (4,),
        }
        for query, expected in asked.items():
            assert expected == tuple(fact.number for fact in self.run(store.facts(query))), query
        assert self.run(store.facts(FactQuery(kinds=("Thawed",)))) == (Fact("a", Instant(5), thawed.body, 3),)

    def test_what_was_committed_is_there_later(self, store: Store, again: Callable[[Store], Store]) -> None:
        """After closing and opening everything is as it was, and numbers go on."""
        state = ServiceState("a", journal_seen={"local": 3}, steps_count=2)
        self.run(store.commit(Change(0, (frozen("a", "é\n\u2028"),), (), (state,), {"a": slice_of("a", "s1")})))
        before, facts = self.run(store.load()), self.run(store.facts(FactQuery()))
        opened = again(store)
        try:
            assert self.run(opened.load()) == before
            assert self.run(opened.facts(FactQuery())) == facts
            assert self.run(opened.commit(Change(1, (frozen("a", "next"),))))
            assert [fact.number for fact in self.run(opened.facts(FactQuery()))] == [1, 2]
        finally:
            self.run(opened.close())
