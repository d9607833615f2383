"""Git Large File Storage: pointers in the place of data, in a commit or beside it."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.jobs.scene import DATA, FILES, SPEC, Scene, table
from windlass.delivery.sources.keys import LFS_POINTER_BYTES_MAX
from windlass.engine.jobs.checkouts import pointer_in


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_large_files_come_from_the_working_copy(scene: Scene) -> None:
    """A Git LFS pointer is replaced by the file that it stands for, where the working copy holds it."""
    real = table(120, 5)
    digest = hashlib.sha256(real.encode()).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(real)}\n"
    commit = scene.commit({**FILES, "data/train.csv": pointer})
    missing = scene.build(commit)
    assert ("failed", "network") == (missing.state, missing.trouble)
    assert "data/train.csv: is a Git LFS pointer" in missing.words and "git lfs pull" in missing.words
    scene.write({"data/train.csv": real})
    assert 120 == scene.build(commit).provenance["data"]["train"]["rows"]


def test_what_is_no_pointer(tmp_path: Path) -> None:
    """A link is none, wherever it leads, and no file is that is larger than a pointer may be."""
    pointer, link, large = tmp_path / "pointer", tmp_path / "link", tmp_path / "large"
    pointer.write_text(POINTER)
    link.symlink_to(pointer)
    large.write_text(POINTER + "x" * LFS_POINTER_BYTES_MAX)
    assert [True, False, False] == [pointer_in(path) is not None for path in (pointer, link, large)]


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"


@pytest.mark.parametrize("where", ["data/holdout.csv", "data/train.csv", "train", "holdout", "folder"])
def test_a_pointer_is_noticed_before_anything_is_trained(scene: Scene, tmp_path: Path, where: str) -> None:
    """A Git LFS pointer in the place of data, in the commit or beside it, ends the build before its environment."""
    outside = tmp_path / "elsewhere"
    (outside / "parts").mkdir(parents=True)
    (outside / "parts" / "one.csv").write_text(POINTER)
    commit = scene.commit({**FILES, where: POINTER} if "/" in where else FILES)
    place = str(outside / "parts" / "one.csv") if where != "folder" else str(outside)
    data = replace(DATA, holdout=place) if where == "holdout" else replace(DATA, entries={"train": place})
    result = scene.build(commit, SPEC if "/" in where else replace(SPEC, data=data))
    assert ("failed", "network") == (result.state, result.trouble)
    assert "is a Git LFS pointer" in result.words and "git lfs pull" in result.words
    assert "trained on" not in result.log
