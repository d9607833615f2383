"""A hostile tree writes nothing outside the folder that it is exported to, and is refused by name."""

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pygit2 import Oid
from pygit2.enums import FileMode

from tests.conformance.git_scenes import LocalScene
from windlass.adapters.git import PygitRepositories
from windlass.kernel.errors import Unavailable, UserMistake

BLOB, LINK, TREE, MODULE = FileMode.BLOB, FileMode.LINK, FileMode.TREE, FileMode.COMMIT


@pytest.fixture
def scene(tmp_path: Path) -> LocalScene:
    """An empty repository."""
    return LocalScene(tmp_path / "repo.git")


def export(scene: LocalScene, commit: str, folder: Path, *without: str) -> None:
    """Export a commit."""
    asyncio.run(
        PygitRepositories(str(folder.parent / "mirrors")).export(scene.repository, commit, str(folder), without)
    )


@dataclass(frozen=True)
class Bad:
    """Files of a tree by path, links with their target; what the refusal says."""

    files: dict[str, tuple[bytes, FileMode]]
    words: str
    named: str = field(default="")

    def __str__(self) -> str:
        return self.words


BAD = [
    Bad({"evil": (b"/etc/passwd", LINK)}, "leads out of the repository: /etc/passwd"),
    Bad({"evil": (b"..", LINK)}, "leads out"),
    Bad({"a/evil": (b"../../x", LINK)}, "leads out"),
    Bad({"a/b": (b"", BLOB), "evil": (b"a/../../x", LINK)}, "leads out"),
    Bad({"d/up": (b"..", LINK), "evil": (b"d/up/../x", LINK)}, "leads out", "evil"),
    Bad({"evil": (b"", LINK)}, "no usable target"),
    Bad({"evil": (b"a" * 5000, LINK)}, "no usable target"),
    Bad({"evil": (b"a\x00b", LINK)}, "no usable target"),
    Bad({"lib": (b"\x11" * 20, MODULE)}, "submodules are not fetched", "lib"),
    Bad({"Data": (b"1", BLOB), "data": (b"2", BLOB)}, "collides with Data", "data"),
    Bad({"Data/a": (b"1", BLOB), "data/b": (b"2", BLOB)}, "collides with Data/", "data/b"),
    Bad({"data": (b"1", BLOB), "DATA/b": (b"2", BLOB)}, "collides with DATA/", "data"),
    Bad({"\u00e9": (b"1", BLOB), "e\u0301": (b"2", BLOB)}, "collides"),
    Bad({"two\nlines": (b"", BLOB)}, "not safe everywhere", "two\\nlines"),
    Bad({"a\\b": (b"", BLOB)}, "not safe everywhere"),
    Bad({"\udcff": (b"", BLOB)}, "not safe everywhere", "\\xff"),
    Bad({"../evil": (b"", BLOB)}, "no file may have '..'", "../evil"),
    Bad({"./evil": (b"", BLOB)}, "no file may have '.'"),
    Bad({"a/.git/hooks": (b"", BLOB)}, "no file may have '.git'", "a/.git/hooks"),
    Bad({"a/.GIT/hooks": (b"", BLOB)}, "no file may have '.GIT'"),
]


def commit_of(scene: LocalScene, files: dict[str, tuple[bytes, FileMode]]) -> str:
    """A commit of these files, written past every check of the Git library."""
    folders: dict[str, dict[str, tuple[bytes | Oid, FileMode]]] = {"": {}}
    for path, (data, mode) in files.items():
        above, _, name = path.rpartition("/")
        content = Oid(raw=data) if mode == MODULE else data
        folders.setdefault(above, {})[name] = (content, mode)
        while above:
            above = above.rpartition("/")[0]
            folders.setdefault(above, {})
    for above in sorted(folders, key=lambda path: path.count("/"), reverse=True):
        if above:
            upper, _, name = above.rpartition("/")
            folders[upper][name] = (scene.tree(folders[above]), TREE)
    return scene.commit_tree("main", scene.tree(folders[""]), "hostile")


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_hostile_tree_is_refused_by_name(scene: LocalScene, tmp_path: Path, bad: Bad) -> None:
    """Nothing is written, and the message names the path; left out, the rest is exported."""
    files = {**bad.files, "good": (b"good", BLOB)}
    commit = commit_of(scene, files)
    with pytest.raises(UserMistake) as caught:
        export(scene, commit, tmp_path / "out")
    assert bad.words in str(caught.value)
    assert bad.named in caught.value.where
    assert caught.value.remedy
    assert not (tmp_path / "out").exists()
    assert sorted(os.listdir(tmp_path)) == ["repo.git"]
    without = [path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") for path in bad.files]
    export(scene, commit, tmp_path / "out", *without)
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["good"]


def test_modes_and_inner_links_are_kept(scene: LocalScene, tmp_path: Path) -> None:
    """Executable files can be executed, others not, and links inside the tree lead where they say."""
    files = {
        "run.sh": (b"#!/bin/sh\n", FileMode.BLOB_EXECUTABLE),
        "data/train.csv": (b"a\n", BLOB),
        "links/train.csv": (b"../data/train.csv", LINK),
        "links/here": (b".", LINK),
        "links/gone": (b"not-there", LINK),
    }
    export(scene, commit_of(scene, files), tmp_path / "out")
    out = tmp_path / "out"
    assert [(out / name).stat().st_mode & 0o777 for name in ("run.sh", "data/train.csv")] == [0o755, 0o644]
    assert (out / "links/train.csv").is_symlink()
    assert (out / "links/train.csv").read_bytes() == b"a\n"
    assert os.readlink(out / "links/gone") == "not-there"


def test_a_path_that_is_link_and_folder_writes_nothing_outside(scene: LocalScene, tmp_path: Path) -> None:
    """A tree that names a folder twice, once as a link, is refused."""
    outside = tmp_path / "outside"
    outside.mkdir()
    inner = scene.tree({"file": (b"evil", BLOB)})
    name = b"40000 a\0" + inner.raw
    link = b"120000 a\0" + scene.repo.create_blob(b"b").raw
    tree = scene.repo.write(2, link + name)
    with pytest.raises(UserMistake, match="collides"):
        export(scene, scene.commit_tree("main", tree, "hostile"), tmp_path / "out")
    assert os.listdir(outside) == []


def test_a_full_disk_is_said(scene: LocalScene, tmp_path: Path) -> None:
    """A folder that cannot be written is the world's, with its path."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable) as caught:
        export(scene, commit_of(scene, {"a": (b"1", BLOB)}), tmp_path / "file" / "out")
    assert str(tmp_path / "file") in caught.value.where


def test_hooks_never_run(tmp_path: Path) -> None:
    """A repository's own programs are not started by reading or exporting it."""
    scene = LocalScene(tmp_path / "repo", bare=False)
    marker = tmp_path / "ran"
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        hook = tmp_path / "repo/.git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
        hook.chmod(0o755)
    scene.repo.config["core.fsmonitor"] = f"touch {marker}"
    scene.repo.config["filter.evil.smudge"] = f"touch {marker}"
    files = {".gitattributes": b"* filter=evil\n", "a": b"1"}
    commit = scene.commit("main", files, "one")
    export(scene, commit, tmp_path / "out")
    git = PygitRepositories(str(tmp_path / "mirrors"))
    asyncio.run(git.head(scene.repository, "main"))
    asyncio.run(git.working_tree(scene.repository))
    assert (tmp_path / "out/a").read_bytes() == b"1"
    assert not marker.exists()
