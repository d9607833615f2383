"""Local repositories in every state that people leave them in, and what is said about each."""

import asyncio
import os
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pygit2
import pytest
from pygit2.enums import FileMode

from tests.conformance.git_scenes import WHO, LocalScene
from windlass.adapters.git import PygitRepositories, trees, working
from windlass.adapters.git.troubles import git_trouble
from windlass.kernel.errors import Unavailable, UserMistake
from windlass.ports.git import TreeEntry

ResultT = TypeVar("ResultT")


def run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """The result of a verb."""
    return asyncio.run(work)


@pytest.fixture
def git(tmp_path: Path) -> PygitRepositories:
    """A reader without secrets."""
    return PygitRepositories(str(tmp_path / "mirrors"))


@pytest.fixture
def scene(tmp_path: Path) -> LocalScene:
    """An empty repository with a working copy."""
    return LocalScene(tmp_path / "repo", bare=False)


def loose(scene: LocalScene, oid: str) -> Path:
    """Where an object that was just written lies."""
    return Path(scene.repo.path) / "objects" / oid[:2] / oid[2:]


def test_kinds_of_entries_are_told(git: PygitRepositories, scene: LocalScene) -> None:
    """Files, programs, links with their targets and submodules are told apart, whatever their names."""
    tree = scene.tree(
        {
            "a": (b"1", FileMode.BLOB),
            "b": (b"22", FileMode.BLOB_EXECUTABLE),
            "c": (b"a", FileMode.LINK),
            "d": (pygit2.Oid(hex="11" * 20), FileMode.COMMIT),
            "\udcff": (b"", FileMode.BLOB),
        }
    )
    entries = run(git.tree(scene.repository, scene.commit_tree("main", tree, "kinds")))
    assert [(entry.path, entry.kind, entry.size, entry.target) for entry in entries] == [
        ("\\xff", "file", 0, ""),
        ("a", "file", 1, ""),
        ("b", "executable", 2, ""),
        ("c", "link", 1, "a"),
        ("d", "submodule", 0, ""),
    ]
    for path in ("c", "d"):
        with pytest.raises(UserMistake, match="not a file"):
            run(git.read(scene.repository, str(scene.repo.references["refs/heads/main"].target), path))


def test_a_tree_that_unfolds_without_end_is_bounded(
    git: PygitRepositories, scene: LocalScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few kilobytes that name millions of files are refused at the limit, and so are endless folders."""
    monkeypatch.setattr(trees, "TREE_FILES_MAX", 1000)
    for leaf in (b"", None):
        kind = FileMode.BLOB if leaf is not None else FileMode.TREE
        content = leaf if leaf is not None else scene.tree({})
        tree = scene.tree({f"{number:03}": (content, kind) for number in range(100)})
        for _ in range(2):
            tree = scene.tree({f"{number:03}": (tree, FileMode.TREE) for number in range(100)})
        commit = scene.commit_tree("main", tree, "bomb")
        with pytest.raises(UserMistake, match="more than 1000 files"):
            run(git.tree(scene.repository, commit))


def test_a_missing_object_is_named(git: PygitRepositories, scene: LocalScene) -> None:
    """A lost or emptied blob is unavailable with its name and path; what does not need it is still read."""
    commit = scene.commit("main", {"a": b"1", "data/b": b"2"}, "one")
    entry = run(git.tree(scene.repository, commit))[1]
    loose(scene, entry.oid).unlink()
    for verb in (git.tree(scene.repository, commit), git.read(scene.repository, commit, "data/b")):
        with pytest.raises(Unavailable, match=rf"{entry.oid} \(data/b\)"):
            run(verb)
    assert run(git.read(scene.repository, commit, "a")) == b"1"
    loose(scene, commit).unlink()
    with pytest.raises(Unavailable, match=commit):
        run(git.read(scene.repository, commit, "a"))


def test_too_large_a_file_is_not_read(
    git: PygitRepositories, scene: LocalScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file beyond the limit is refused by its size, before it is read, in a commit and in a working copy."""
    folder = checked_out(scene, {"small": b"1" * 10, "large": b"1" * 11})
    commit = str(scene.repo.head.target)
    monkeypatch.setattr(trees, "BLOB_BYTES_MAX", 10)
    monkeypatch.setattr(working, "BLOB_BYTES_MAX", 10)
    assert run(git.read(scene.repository, commit, "small")) == run(git.read_working(scene.repository, "small"))
    verbs = [git.read(scene.repository, commit, "large"), git.read_working(scene.repository, "large")]
    for verb in [*verbs, git.export(scene.repository, commit, str(folder.parent / "out"), ())]:
        with pytest.raises(UserMistake, match="11 bytes, at most 10"):
            run(verb)


def test_a_tree_entry_that_lies_about_its_kind_is_named(git: PygitRepositories, scene: LocalScene) -> None:
    """A file whose object is a folder is damage, not content."""
    tree = scene.tree({"a": (scene.tree({}), FileMode.BLOB)})
    with pytest.raises(Unavailable, match=r"missing or damaged"):
        run(git.tree(scene.repository, scene.commit_tree("main", tree, "lie")))


def test_flipped_bits_are_not_given_out(git: PygitRepositories, scene: LocalScene) -> None:
    """Bytes that do not fit their name are an error, not content."""
    commit = scene.commit("main", {"a": b"one"}, "one")
    entry = run(git.tree(scene.repository, commit))[0]
    other = str(scene.repo.create_blob(b"two"))
    loose(scene, entry.oid).unlink()
    shutil.copy(loose(scene, other), loose(scene, entry.oid))
    with pytest.raises(Unavailable):
        run(git.read(scene.repository, commit, "a"))


def test_a_shallow_clone_says_how_to_deepen_it(git: PygitRepositories, scene: LocalScene, tmp_path: Path) -> None:
    """What is there is read; whether something older is an ancestor cannot be known, and is not guessed."""
    old = scene.commit("main", {"a": b"1"}, "one")
    new = scene.commit("main", {"a": b"2"}, "two")
    loose(scene, old).unlink()
    (Path(scene.repo.path) / "shallow").write_text(new + "\n")
    assert run(git.head(scene.repository, "main")).commit == new
    assert run(git.read(scene.repository, new, "a")) == b"2"
    for verb in (git.descends(scene.repository, new, old), git.tree(scene.repository, old)):
        with pytest.raises(Unavailable, match="git fetch --unshallow"):
            run(verb)


def test_what_is_no_repository_is_named(git: PygitRepositories, tmp_path: Path) -> None:
    """A missing folder, a plain one, an empty repository, and names that mean nothing."""
    (tmp_path / "plain").mkdir()
    for path in ("none", "plain"):
        with pytest.raises(UserMistake, match="no Git repository") as caught:
            run(git.head(str(tmp_path / path), "main"))
        assert caught.value.where == str(tmp_path / path)
    empty = LocalScene(tmp_path / "empty")
    with pytest.raises(UserMistake, match="commit something first"):
        run(git.head(empty.repository, "main"))
    for branch in ("..", "a b", "", "\x1b[31m", "refs/heads/main"):
        with pytest.raises(UserMistake, match="no branch"):
            run(git.head(empty.repository, branch))
    for commit in ("", "zz", "main", "0" * 39, "0" * 64):
        with pytest.raises(Unavailable):
            run(git.tree(empty.repository, commit))


def test_a_sha256_repository_is_refused_with_the_reason(git: PygitRepositories, scene: LocalScene) -> None:
    """The library cannot read it, so the person hears what can be done."""
    (Path(scene.repo.path) / "config").write_text(
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
    )
    with pytest.raises(UserMistake, match="SHA-256") as caught:
        run(git.head(scene.repository, "main"))
    assert caught.value.code == "git-sha256"


def test_a_detached_head_names_no_branch(git: PygitRepositories, scene: LocalScene) -> None:
    """Nobody guesses which branch was meant."""
    commit = scene.commit("main", {"a": b"1"}, "one")
    scene.repo.set_head(pygit2.Oid(hex=commit))
    with pytest.raises(UserMistake, match="--branch"):
        run(git.default_branch(scene.repository))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("repository path '/r' is not owned by current user", "git-owner"),
        ("unsupported extension name extensions.refstorage", "git-format"),
        ("unexpected http status code: 404", "git-missing"),
        ("remote authentication required but no callback set", "git-credentials"),
        ("invalid or unknown remote ssh hostkey", "git-host-key"),
        ("failed to authenticate SSH session: Unable to open private key file", "git-key"),
        ("the SSL certificate is invalid", "git-certificate"),
    ],
)
def test_what_a_person_must_change_is_told_apart(words: str, code: str) -> None:
    """The library's words become an error that says what to do; unknown words are the world's."""
    error = git_trouble(pygit2.GitError(words), "https://host/repo")
    assert isinstance(error, UserMistake)
    assert error.code == code
    unknown = git_trouble(pygit2.GitError("failed to connect to host: Connection refused"), "https://host/repo")
    assert isinstance(unknown, Unavailable)


# -- the working copy ---------------------------------------------------------------------------------------


def checked_out(scene: LocalScene, files: dict[str, bytes]) -> Path:
    """A working copy of one commit."""
    scene.commit("main", files, "one")
    scene.repo.checkout("refs/heads/main", strategy=pygit2.enums.CheckoutStrategy.FORCE)
    return scene.path


def test_uncommitted_changes_are_seen(git: PygitRepositories, scene: LocalScene) -> None:
    """Changed, new, deleted and staged files show as they lie there; ignored ones do not."""
    files = {"same": b"1", "changed": b"1", "deleted": b"1", ".gitignore": b"ignored\n", "staged": b"1"}
    folder = checked_out(scene, files)
    (folder / "changed").write_bytes(b"22")
    (folder / "deleted").unlink()
    (folder / "staged").write_bytes(b"333")
    scene.repo.index.add("staged")
    scene.repo.index.write()
    (folder / "new").mkdir()
    (folder / "new/file").write_bytes(b"4444")
    (folder / "ignored").write_bytes(b"")
    (folder / "link").symlink_to("same")
    (folder / "same").chmod(0o755)
    os.mkfifo(folder / "pipe")
    tree = run(git.working_tree(scene.repository))
    assert tree.commit == str(scene.repo.head.target)
    assert tree.changed == ("changed", "deleted", "link", "new/file", "same", "staged")
    blob = {name: str(pygit2.hash(data)) for name, data in {"1": b"1", "22": b"22", "333": b"333"}.items()}
    assert [entry for entry in tree.entries if entry.path != ".gitignore"] == [
        TreeEntry("changed", "file", blob["22"], 2),
        TreeEntry("link", "link", str(pygit2.hash("same")), 4, "same"),
        TreeEntry("new/file", "file", str(pygit2.hash(b"4444")), 4),
        TreeEntry("same", "executable", blob["1"], 1),
        TreeEntry("staged", "file", blob["333"], 3),
    ]
    assert run(git.read_working(scene.repository, "new/file")) == b"4444"


def test_an_unchanged_working_copy_is_its_commit(git: PygitRepositories, scene: LocalScene) -> None:
    """Paths, kinds and names of contents are those of the commit, and nothing is written into the repository."""
    folder = checked_out(scene, {"a": b"1", "b/c": b"2"})
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    tree = run(git.working_tree(scene.repository))
    assert tree.changed == ()
    assert tree.entries == run(git.tree(scene.repository, tree.commit))
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before


def test_too_many_working_files_are_refused(
    git: PygitRepositories, scene: LocalScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data that nobody ignored are not hashed file by file."""
    monkeypatch.setattr(working, "TREE_FILES_MAX", 3)
    for number in range(4):
        (scene.path / str(number)).write_bytes(b"")
    with pytest.raises(UserMistake, match="more than 3 files"):
        run(git.working_tree(scene.repository))


def test_a_file_that_goes_meanwhile_is_left_out(
    git: PygitRepositories, scene: LocalScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is removed while the copy is read is not in it; one that cannot be read is named."""
    (scene.path / "a").write_bytes(b"1")
    (scene.path / "b").write_bytes(b"1")
    real = pygit2.hashfile

    def late(path: str) -> pygit2.Oid:
        if path.endswith("/a"):
            os.unlink(path)
            raise FileNotFoundError(path)
        return real(path)

    monkeypatch.setattr(pygit2, "hashfile", late)
    assert [entry.path for entry in run(git.working_tree(scene.repository)).entries] == ["b"]

    def cannot(path: str) -> pygit2.Oid:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(pygit2, "hashfile", cannot)
    with pytest.raises(Unavailable, match="object b"):
        run(git.working_tree(scene.repository))


def test_a_first_working_copy_has_no_commit(git: PygitRepositories, scene: LocalScene) -> None:
    """Before the first commit every file is new."""
    (scene.path / "windlass.yaml").write_bytes(b"service: a\n")
    tree = run(git.working_tree(scene.repository))
    assert (tree.commit, tree.changed) == ("", ("windlass.yaml",))
    assert [entry.path for entry in tree.entries] == ["windlass.yaml"]


def test_a_submodule_is_told_apart(git: PygitRepositories, scene: LocalScene) -> None:
    """A submodule in the index is one in the working copy, whatever lies in its folder."""
    scene.repo.index.add(pygit2.IndexEntry("lib", pygit2.Oid(hex="11" * 20), FileMode.COMMIT))
    scene.repo.index.write()
    assert run(git.working_tree(scene.repository)).entries == (TreeEntry("lib", "submodule", "11" * 20),)


def test_reading_never_leaves_the_working_copy(git: PygitRepositories, scene: LocalScene) -> None:
    """Links and paths that lead out are refused, and so is what is no file."""
    folder = checked_out(scene, {"a/b": b"1"})
    (folder.parent / "secret").write_bytes(b"secret")
    (folder / "link").symlink_to(folder.parent / "secret")
    (folder / "above").symlink_to("..")
    os.mkfifo(folder / "pipe")
    for path in ("link", "above/secret", "../secret", str(folder.parent / "secret"), "pipe", "a", "none", "a/b/c"):
        with pytest.raises((UserMistake, Unavailable)):
            run(git.read_working(scene.repository, path))
    assert run(git.read_working(scene.repository, "a/b")) == b"1"


def test_only_a_local_copy_has_a_working_tree(git: PygitRepositories, tmp_path: Path) -> None:
    """Bare and remote repositories have none."""
    bare = LocalScene(tmp_path / "bare.git")
    for repository in (bare.repository, f"file://{bare.path}"):
        with pytest.raises(UserMistake, match="no working copy"):
            run(git.working_tree(repository))
        with pytest.raises(UserMistake, match="no working copy"):
            run(git.read_working(repository, "a"))


def test_a_worktree_is_read_like_a_clone(git: PygitRepositories, scene: LocalScene, tmp_path: Path) -> None:
    """A folder that `git worktree` made is a repository of its own branch."""
    commit = scene.commit("main", {"a": b"1"}, "one")
    scene.repo.create_reference("refs/heads/side", commit)
    scene.repo.add_worktree("side", str(tmp_path / "side"), scene.repo.references["refs/heads/side"])
    assert run(git.default_branch(str(tmp_path / "side"))) == "side"
    assert run(git.working_tree(str(tmp_path / "side"))).commit == commit
    assert WHO.name in run(git.head(str(tmp_path / "side"), "side")).author
