"""Where the held-out rows come from: the commit, the working copy beside it, or what a Git LFS pointer stands for."""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.jobs.scene import DATA, FILES, SPEC, Scene, table
from windlass.adapters.git.repositories import PygitRepositories
from windlass.engine.jobs.checkouts import BuildJob, BuildRequest
from windlass.engine.jobs.signatures import fetch_holdout
from windlass.engine.jobs.types import JobWork
from windlass.kernel.errors import Unavailable
from windlass.ports.compute import JobRequest
from windlass.ports.git import TreeEntry

REAL = table(60, 9)
POINTER = (
    f"version https://git-lfs.github.com/spec/v1\noid sha256:{hashlib.sha256(REAL.encode()).hexdigest()}\n"
    f"size {len(REAL)}\n"
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def fetched(scene: Scene, commit: str, holdout: str = DATA.holdout, repository: str = "") -> Path | None:
    """The holdout of a commit as a job finds it."""
    folder = scene.home / "job"
    folder.mkdir(parents=True, exist_ok=True)
    spec = replace(SPEC, data=replace(DATA, holdout=holdout))
    request = BuildRequest(repository or str(scene.repository), commit, "", spec, "")
    work = JobWork(str(scene.home), JobRequest("j", "gate", "s", {}), str(folder), str(folder / "log"), lambda _: None)
    return asyncio.run(fetch_holdout(BuildJob(request, work, scene.ports)))


def test_the_commit_holds_the_rows(scene: Scene) -> None:
    """A tracked holdout is that of the commit, whatever lies in the working copy now."""
    commit = scene.commit(FILES)
    scene.write({DATA.holdout: "something else\n"})
    found = fetched(scene, commit)
    assert found is not None and FILES[DATA.holdout] == found.read_text()


def test_rows_beside_the_commit(scene: Scene) -> None:
    """A holdout that Git does not hold is read where it lies; one that is nowhere, or none, is no file."""
    commit = scene.commit(FILES)
    scene.write({"beside.csv": REAL})
    found = fetched(scene, commit, "beside.csv")
    assert found is not None and REAL == found.read_text()
    assert [None, None] == [fetched(scene, commit, name) for name in ("nowhere.csv", "")]


def test_a_pointer_stands_for_the_file_of_the_working_copy(scene: Scene) -> None:
    """A Git LFS pointer is never taken for the rows: the working copy must hold exactly the file that it names."""
    commit = scene.commit({**FILES, DATA.holdout: POINTER})
    same_size = REAL.replace("1", "2", 1)
    for held in (POINTER, same_size, REAL + "\n"):
        scene.write({DATA.holdout: held})
        with pytest.raises(Unavailable, match=r"data\.holdout: is a Git LFS pointer.*git lfs pull") as failed:
            fetched(scene, commit)
        assert "lfs" == failed.value.code
    scene.write({DATA.holdout: REAL})
    found = fetched(scene, commit)
    assert found is not None and REAL == found.read_text()


class Mirrored(PygitRepositories):
    """A remote repository of which the mirror is `local`."""

    local = ""

    async def tree(self, repository: str, commit: str) -> tuple[TreeEntry, ...]:
        return await super().tree(self.local, commit)

    async def read(self, repository: str, commit: str, path: str) -> bytes:
        return await super().read(self.local, commit, path)


def test_a_pointer_of_a_remote_repository(scene: Scene, tmp_path: Path) -> None:
    """A repository without a working copy cannot hold the file, and the remedy says what can."""
    commit = scene.commit({**FILES, DATA.holdout: POINTER})
    remote = Mirrored(str(tmp_path))
    remote.local = str(scene.repository)
    scene.ports = replace(scene.ports, git=remote)
    with pytest.raises(Unavailable, match="watch a clone that holds it"):
        fetched(scene, commit, repository="https://git.example.org/visits.git")
