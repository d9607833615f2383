"""What every reader of Git repositories keeps."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from windlass.kernel.errors import Unavailable, UserMistake
from windlass.ports.git import Git
from windlass.testing.conformance.runs import Runs

NOWHERE = "0123456789" * 4


class GitScene(Protocol):
    """A repository that the kit writes history into; its HEAD names the branch main."""

    repository: str

    def commit(self, branch: str, files: Mapping[str, bytes], subject: str) -> str:
        """Commit exactly these files on top of a branch, as Ann <ann@example.org>; the commit's name."""
        ...

    def rewind(self, branch: str, commit: str) -> None:
        """Let a branch point at an older commit, as a force-push does."""
        ...

    def drop(self, branch: str) -> None:
        """Delete a branch."""
        ...


class GitReadingConformance(Runs):
    """What a reader without a disk keeps as well. Give fixtures `git` and `scene`."""

    def test_head_is_the_newest_commit(self, git: Git, scene: GitScene) -> None:
        """The branch's commit with its subject and author, again after each commit."""
        for number in range(2):
            commit = scene.commit("main", {"a": b"%d" % number}, f"change {number}")
            head = self.run(git.head(scene.repository, "main"))
            assert (head.commit, head.subject, head.author) == (commit, f"change {number}", "Ann <ann@example.org>")
            assert head.time > 1_600_000_000_000

    def test_a_missing_branch_is_named(self, git: Git, scene: GitScene) -> None:
        """The message says which branch is missing and which there are; a deleted one is missing too."""
        commit = scene.commit("main", {"a": b"1"}, "one")
        with pytest.raises(UserMistake, match=r"no branch nope.*main"):
            self.run(git.head(scene.repository, "nope"))
        scene.commit("side", {"a": b"2"}, "two")
        side = self.run(git.head(scene.repository, "side")).commit
        scene.drop("side")
        with pytest.raises(UserMistake, match="no branch side"):
            self.run(git.head(scene.repository, "side"))
        assert self.run(git.head(scene.repository, "main")).commit == commit
        assert self.run(git.read(scene.repository, side, "a")) == b"2"

    def test_a_tree_lists_every_path(self, git: Git, scene: GitScene) -> None:
        """Files come sorted by path with their sizes, and equal bytes have one name."""
        commit = scene.commit("main", {"b/c": b"12345", "a": b"12345", "b-": b""}, "files")
        entries = self.run(git.tree(scene.repository, commit))
        assert [(entry.path, entry.kind, entry.size) for entry in entries] == [
            ("a", "file", 5),
            ("b-", "file", 0),
            ("b/c", "file", 5),
        ]
        assert entries[0].oid == entries[2].oid != entries[1].oid

    def test_old_commits_stay_readable(self, git: Git, scene: GitScene) -> None:
        """Each commit is read as it was, whatever came later."""
        commits = [scene.commit("main", {"a": b"%d" % number}, str(number)) for number in range(3)]
        self.run(git.head(scene.repository, "main"))
        assert [self.run(git.read(scene.repository, commit, "a")) for commit in commits] == [b"0", b"1", b"2"]

    def test_what_is_not_there_is_said(self, git: Git, scene: GitScene) -> None:
        """A path that the commit lacks is the person's to commit; a commit that is lost is not there now."""
        commit = scene.commit("main", {"a/b": b"1"}, "one")
        for path in ("c", "a", "a/b/c", "../a", ""):
            with pytest.raises(UserMistake):
                self.run(git.read(scene.repository, commit, path))
        for verb in (git.tree(scene.repository, NOWHERE), git.read(scene.repository, NOWHERE, "a")):
            with pytest.raises(Unavailable, match=NOWHERE):
                self.run(verb)

    def test_a_force_push_is_seen(self, git: Git, scene: GitScene) -> None:
        """A commit descends from itself and what came before, and not from what a force-push took away."""
        first = scene.commit("main", {"a": b"1"}, "one")
        second = scene.commit("main", {"a": b"2"}, "two")
        self.run(git.head(scene.repository, "main"))
        scene.rewind("main", first)
        third = scene.commit("main", {"a": b"3"}, "three")
        assert self.run(git.head(scene.repository, "main")).commit == third
        pairs = {(second, first): True, (first, first): True, (first, second): False, (third, second): False}
        for (commit, ancestor), expected in {**pairs, (third, NOWHERE): False}.items():
            assert self.run(git.descends(scene.repository, commit, ancestor)) is expected
        with pytest.raises(Unavailable):
            self.run(git.descends(scene.repository, NOWHERE, first))
        assert self.run(git.read(scene.repository, second, "a")) == b"2"

    def test_the_default_branch_is_heads(self, git: Git, scene: GitScene) -> None:
        """HEAD says which branch is watched when nobody names one."""
        scene.commit("other", {"a": b"1"}, "one")
        scene.commit("main", {"a": b"1"}, "one")
        assert self.run(git.default_branch(scene.repository)) == "main"

    def test_many_read_at_once(self, git: Git, scene: GitScene) -> None:
        """Readers that meet get what each asked for."""
        files = {f"f{number}": b"%d" % number for number in range(20)}
        commit = scene.commit("main", files, "many")

        async def read_all() -> list[bytes]:
            await git.head(scene.repository, "main")
            return list(await asyncio.gather(*(git.read(scene.repository, commit, path) for path in sorted(files))))

        assert self.run(read_all()) == [data for _, data in sorted(files.items())]


class GitConformance(GitReadingConformance):
    """The same, and what it does with foreign text and with folders."""

    def test_text_of_a_commit_is_only_shown(self, git: Git, scene: GitScene) -> None:
        """Escapes and endless lines in a message come escaped and cut."""
        scene.commit("main", {"a": b""}, "red \x1b[31m" + "x" * 1000 + "\n\nwith more words")
        subject = self.run(git.head(scene.repository, "main")).subject
        assert subject.startswith("red \\x1b[31mxxx")
        assert len(subject) == 200

    def test_an_export_is_the_commit(self, git: Git, scene: GitScene, tmp_path: Path) -> None:
        """Exactly the commit's files lie in the folder, without those that are left out."""
        files = {"a": b"1", "data/holdout.csv": b"2", "data/train.csv": b"3", "docs/x/y": b"4"}
        commit = scene.commit("main", files, "one")
        folder = tmp_path / "out"
        self.run(git.export(scene.repository, commit, str(folder), ("data/holdout.csv", "docs", "unknown")))
        found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert found == {"a": b"1", "data/train.csv": b"3"}

    def test_an_export_needs_an_empty_folder(self, git: Git, scene: GitScene, tmp_path: Path) -> None:
        """Nobody's files are overwritten."""
        commit = scene.commit("main", {"a": b"new"}, "one")
        folder = tmp_path / "out"
        folder.mkdir()
        (folder / "a").write_bytes(b"old")
        with pytest.raises(UserMistake, match="not empty"):
            self.run(git.export(scene.repository, commit, str(folder), ()))
        assert (folder / "a").read_bytes() == b"old"
        assert os.listdir(folder) == ["a"]
