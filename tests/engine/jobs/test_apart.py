"""Whether held-out rows were trained on, where the build could not say: the gate reads the build's data again."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.jobs.scene import DATA, FILES, SPEC, Scene, table
from windlass.delivery.gates.types import Apart
from windlass.engine.jobs import apart
from windlass.engine.jobs.apart import apart_by
from windlass.engine.jobs.checkouts import BuildJob, BuildRequest
from windlass.engine.jobs.types import JobWork
from windlass.ports.compute import JobRequest

BESIDE = {**FILES, ".gitignore": "data/\n"}
LEAKED = FILES["data/train.csv"] + "".join(FILES["data/holdout.csv"].splitlines(keepends=True)[1:4])


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def trained_on(scene: Scene, rows: int | None = 200) -> dict[str, Any]:
    """What the provenance of a build says whose training data are those that lie there now."""
    digest = asyncio.run(scene.ports.machine.digest(str(scene.repository / "data/train.csv")))
    return {"data": {"train": {"digest": digest, **({} if rows is None else {"rows": rows})}}}


def known(scene: Scene, commit: str, provenance: Mapping[str, Any], **data: Any) -> Apart:
    """What a gate of this commit finds out."""
    folder = scene.home / "gate"
    folder.mkdir(parents=True, exist_ok=True)
    request = BuildRequest(str(scene.repository), commit, "", replace(SPEC, data=replace(DATA, **data)), "")
    work = JobWork(str(scene.home), JobRequest("j", "gate", "s", {}), str(folder), str(folder / "log"), lambda _: None)
    path = scene.repository / "data/holdout.csv"
    held_out = scene.ports.tables.read(str(path))
    return asyncio.run(apart_by(provenance, held_out, path.stat().st_size, BuildJob(request, work, scene.ports)))


@pytest.mark.parametrize("files", [FILES, BESIDE], ids=["tracked", "ignored"])
@pytest.mark.parametrize(("train", "shared", "refuse"), [(FILES["data/train.csv"], 0, False), (LEAKED, 3, True)])
def test_a_build_without_a_holdout_is_made_up_for(
    scene: Scene, files: Mapping[str, str], train: str, shared: int, refuse: bool
) -> None:
    """The data of the build are compared when the holdout is there, wherever they lie; shared rows are refused."""
    commit = scene.commit({**files, "data/train.csv": train})
    found = known(scene, commit, trained_on(scene))
    assert found.overlap is not None
    assert (shared, refuse, refuse) == (found.overlap["shared"], found.overlap["refuse"], found.refuse)
    assert f"{shared} of 50 held-out rows are in the training data (by key)" == found.overlap["sentence"]


def test_what_the_build_found_holds_for_the_same_rows_only(scene: Scene) -> None:
    """The build's own comparison is taken where it was made with these rows; with other rows it is made anew."""
    commit = scene.commit(FILES)
    digest = scene.ports.tables.read(str(scene.repository / "data/holdout.csv")).digest
    overlap = {"shared": 9, "refuse": True, "sentence": "9 rows"}
    seen = {**trained_on(scene), "overlap": overlap, "holdout": {"digest": digest}}
    assert Apart(overlap, refuse=True) == known(scene, commit, seen)
    anew = known(scene, commit, {**seen, "holdout": {"digest": "blake3:other"}})
    assert anew.overlap is not None
    assert (0, False) == (anew.overlap["shared"], anew.refuse)


def test_data_that_are_not_those_of_the_build_are_not_compared(scene: Scene) -> None:
    """Training data that changed, went or are not named any more leave the gate unsure, with the way out."""
    commit = scene.commit(BESIDE)
    provenance = trained_on(scene)
    scene.write({"data/train.csv": table(20, 5)})
    so = ", so nobody can say whether these rows were trained on; `windlass retry` builds with the data of now"
    changed = Apart(words=f"data.train (data/train.csv) changed since the build{so}", refuse=True)
    assert changed == known(scene, commit, provenance)
    (scene.repository / "data/train.csv").unlink()
    gone = Apart(words=f"data.train (data/train.csv) is gone since the build{so}", refuse=True)
    assert gone == known(scene, commit, provenance)
    unnamed = Apart(words=f"data.train (not named any more) is gone since the build{so}", refuse=True)
    assert unnamed == known(scene, commit, provenance, entries={})


def test_what_no_table_says_is_told_as_it_is(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a table to compare with, nothing is compared and nothing is blocked; declared data are never denied."""
    commit = scene.commit(FILES)
    so = "so nobody can say whether these rows were trained on"
    none = Apart(words=f"no training data are declared, {so}")
    assert [none, none] == [known(scene, commit, {}), known(scene, commit, {"data": {"artifact": {"digest": "d"}}})]
    pictures = Apart(words=f"data.train: no table (.csv, .parquet) of at most 256 MiB to compare with, {so}")
    assert pictures == known(scene, commit, trained_on(scene, rows=None))
    monkeypatch.setattr(apart, "TABLE_BYTES_MAX", 10)
    large = Apart(words=f"the holdout is larger than 256 MiB and is not compared, {so}")
    assert large == known(scene, commit, trained_on(scene))
