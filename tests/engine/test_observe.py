"""What a look at the watched repositories finds, and when it is due."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from windlass.adapters.simulated.git import SimulatedGit
from windlass.adapters.simulated.store import SimulatedMachine
from windlass.adapters.simulated.taps import Tap, tapped
from windlass.adapters.simulated.world import SimulatedChance, SimulatedClock
from windlass.engine.commit import fold_facts
from windlass.engine.observe import LOCAL_POLL_SECONDS, POLL_JITTER, POLL_SECONDS, Watch, data_path, repositories
from windlass.engine.ports import EnginePorts
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.kernel.digests import digest_of
from windlass.kernel.errors import Unavailable
from windlass.ports.store import Stored
from windlass.testing.tables import Row, read_table

LOCAL, REMOTE = "/repo", "https://host/repo"
SPEC = b"service: s\ntrain: python train.py\n"
HELD_OUT = b"service: s\ntrain: python train.py\ndata: {holdout: data/rows.csv}\n"
DATA = b"service: s\ntrain: python train.py\ndata: {train: data/rows.csv}\n"


@dataclass
class Scene:
    """One repository as the control plane sees it, look after look."""

    repository: str = LOCAL
    git: SimulatedGit = field(default_factory=SimulatedGit)
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    machine: SimulatedMachine = field(default_factory=SimulatedMachine)
    watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        rest: Any = dict.fromkeys(("store", "compute", "artifacts", "sites", "signer", "leftovers"))
        self.ports = EnginePorts(
            clock=self.clock, chance=SimulatedChance(1), git=self.git, machine=self.machine, **rest
        )
        watched = Fact("", self.clock.now(), kinds.RepositoryWatched(self.repository, "main", "ann"))
        self.stored = fold_facts(Stored(), [watched])

    def commit(self, subject: str = "one", spec: bytes | None = SPEC, **more: Any) -> str:
        """Push a commit."""
        files = {} if spec is None else {"windlass.yaml": spec}
        return self.git.commit(self.repository, subject, {"train.py": subject.encode(), **files}, **more)

    def look(self, *, hint: bool = True) -> list[Any]:
        """The facts of one look; they are stored."""
        if hint:
            self.watch.hint()
        stored = self.stored
        facts = asyncio.run(repositories(self.ports, self.watch, stored.repositories, stored.services))
        self.stored = fold_facts(self.stored, facts)
        return [fact.body for fact in facts]


def names(bodies: list[Any]) -> str:
    """The kinds of some facts."""
    return " ".join(type(body).__name__ for body in bodies)


def story(scene: Scene, steps: str) -> list[Any]:
    """What the last look finds after these steps, each of which the control plane looked at."""
    found: list[Any] = []
    for step in steps.split(", "):
        _STEPS[step](scene)
        found = scene.look()
    return found


def _rewrite(scene: Scene) -> None:
    files = {"windlass.yaml": SPEC, "train.py": b"rewritten"}
    scene.git.force(scene.repository, "rewritten", files, parent="")


def _drop(scene: Scene) -> None:
    scene.git.branches.pop((scene.repository, "main"))


def _break(scene: Scene) -> None:
    scene.git.broken[scene.repository] = "the server is away"


def _mend(scene: Scene) -> None:
    scene.git.broken.clear()


def _put_data(scene: Scene) -> None:
    scene.machine.data["/repo/data/rows.csv"] = digest_of(b"rows")


_STEPS: dict[str, Any] = {
    "one": lambda scene: scene.commit("one"),
    "two": lambda scene: scene.commit("two"),
    "nothing": lambda scene: None,
    "other file": lambda scene: scene.commit("three", SPEC + b"timeout: 2s\n"),
    "bad file": lambda scene: scene.commit("bad", SPEC + b"colour: red\n"),
    "no file": lambda scene: scene.commit("none", None),
    "with data": lambda scene: scene.commit("data", DATA),
    "held out": lambda scene: scene.commit("held out", HELD_OUT),
    "data come": _put_data,
    "rewrite": _rewrite,
    "drop branch": _drop,
    "away": _break,
    "back": _mend,
}


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("looks.txt")), ids=str)
def test_looks(row: Row) -> None:
    """Every row of looks.txt holds: a look finds what changed since the one before it, once."""
    scene = Scene()
    found = story(scene, row["steps"])
    assert row["facts"] == names(found)
    words = "; ".join(
        [*(words for body in found for words in getattr(body, "complaints", ()))]
        or [str(getattr(body, "forced", "")) for body in found if isinstance(body, kinds.CommitSeen)]
    )
    assert row["words"] in words, words
    assert [] == scene.look()


class Forgetful(SimulatedGit):
    """A repository whose old commits cannot be read any more."""

    async def descends(self, repository: str, commit: str, ancestor: str) -> bool:
        raise Unavailable("the object is missing", code="git-object", where=ancestor)


def test_a_history_that_cannot_be_followed_was_rewritten() -> None:
    """Where the commit read before is gone, nobody can say that the new one follows it: that is told."""
    scene = Scene(git=Forgetful())
    assert "CommitSeen" in names(story(scene, "one"))
    (seen,) = [body for body in story(scene, "two") if isinstance(body, kinds.CommitSeen)]
    assert seen.forced


@pytest.mark.parametrize(("repository", "seconds"), [(LOCAL, LOCAL_POLL_SECONDS), (REMOTE, POLL_SECONDS)])
def test_a_repository_is_looked_at_again_after_its_pause(repository: str, seconds: float) -> None:
    """A poll comes after its pause, give or take a fifth; a hint makes it due at once."""
    scene = Scene(repository)
    scene.commit("one")
    assert names(scene.look(hint=False))
    scene.commit("two")
    scene.clock.advance(seconds * (1 - POLL_JITTER) - 0.1)
    assert [] == scene.look(hint=False)
    scene.watch.hint("/another")
    assert [] == scene.look(hint=False)
    scene.watch.hint(repository)
    assert names(scene.look(hint=False))
    scene.commit("three")
    scene.clock.advance(seconds * (1 + POLL_JITTER) + 0.1)
    assert names(scene.look(hint=False))


def test_one_broken_repository_holds_up_no_other() -> None:
    """What cannot be read is a complaint of its own; the others are read in the same look."""
    scene = Scene()
    watched = Fact("", scene.clock.now(), kinds.RepositoryWatched("/other", "main", "ann"))
    scene.stored = fold_facts(scene.stored, [watched])
    scene.commit("one")
    scene.git.broken["/other"] = "no such disk"
    found = scene.look()
    complained = [body for body in found if isinstance(body, kinds.SourceComplained)]
    assert [("/other", ("/other: no such disk",))] == [(one.repository, one.complaints) for one in complained]
    assert ["s"] == list(scene.stored.services)


def test_data_beside_a_commit_are_part_of_what_is_built() -> None:
    """Data that Git does not hold are pinned by their digest at the commit; later changes of them start nothing."""
    scene = Scene()
    _put_data(scene)
    scene.commit("data", DATA)
    (wanted,) = [body for body in scene.look() if isinstance(body, kinds.ServiceWanted)]
    scene.machine.data["/repo/data/rows.csv"] = digest_of(b"other rows")
    assert [] == scene.look()
    scene.commit("again", DATA)
    (again,) = [body for body in scene.look() if isinstance(body, kinds.ServiceWanted)]
    assert wanted.build_key != again.build_key
    pinned = [{"data.train": digest_of(rows)} for rows in (b"rows", b"other rows")]
    assert pinned == [wanted.data, again.data]
    new: Any = {"build_key": "", "commit": "", "subject": "", "data": {}}
    assert replace(wanted, **new) == replace(again, **new)


@pytest.mark.parametrize(
    ("repository", "folder", "location", "path"),
    [
        ("/repo", "", "data/a.csv", "/repo/data/a.csv"),
        ("/repo", "api", "data/a.csv", "/repo/api/data/a.csv"),
        ("/repo", "api", "/data/a.csv", "/data/a.csv"),
        ("/repo", "api", "file:///data/a.csv", "/data/a.csv"),
    ],
)
def test_where_data_lie(repository: str, folder: str, location: str, path: str) -> None:
    """A relative place is one in the watched working copy, an absolute one is itself."""
    assert path == data_path(repository, folder, location)


def test_a_commit_with_a_complaint_is_read_once() -> None:
    """It is looked at again and again, and read anew only after another commit; a good one is forgotten."""
    scene, tap = Scene(), Tap()
    scene.ports = replace(scene.ports, git=tapped(scene.git, "git", tap))
    scene.commit(spec=b"service: [\n")
    scene.look()
    assert scene.stored.repositories[LOCAL].complaints
    before = tap.calls["git.read"]
    assert [[], []] == [scene.look(), scene.look()]
    assert (before, [LOCAL]) == (tap.calls["git.read"], [*scene.watch.known])
    scene.commit("two")
    scene.look()
    assert (before + 1, {}) == (tap.calls["git.read"], scene.watch.known)
