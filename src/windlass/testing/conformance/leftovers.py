"""What every finder of leftovers keeps."""

from windlass.ports.leftovers import KINDS, Leftovers
from windlass.testing.conformance.runs import Runs


class LeftoversConformance(Runs):
    """Give a fixture `leftovers`: where a folder of a job, two logs and an environment lie around that nobody uses."""

    def test_everything_is_found_in_order(self, leftovers: Leftovers) -> None:
        """Each thing is found once, by kind and then by name, with its size."""
        found = self.run(leftovers.found(()))
        assert ["environment", "job", "log", "log"] == [one.kind for one in found]
        assert list(found) == sorted(set(found), key=lambda one: (KINDS.index(one.kind), one.name))
        assert all(one.size_bytes > 0 for one in found)

    def test_what_is_removed_is_gone(self, leftovers: Leftovers) -> None:
        """What is removed is told and no longer found; the rest stays."""
        job = next(one for one in self.run(leftovers.found(())) if one.kind == "job")
        assert (job,) == self.run(leftovers.remove([job]))
        assert ["environment", "log", "log"] == [one.kind for one in self.run(leftovers.found(()))]

    def test_what_is_gone_already_is_not_told(self, leftovers: Leftovers) -> None:
        """Of two collections at once only one has removed a thing, whatever it is."""
        found = self.run(leftovers.found(()))
        assert found == self.run(leftovers.remove(found))
        assert () == self.run(leftovers.remove(found))

    def test_nothing_to_remove_is_no_trouble(self, leftovers: Leftovers) -> None:
        """An empty collection removes nothing."""
        before = self.run(leftovers.found(()))
        assert () == self.run(leftovers.remove(()))
        assert before == self.run(leftovers.found(()))
