"""What `plan` says about the held-out rows of a working copy."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pygit2
import pytest

from tests.doors.conftest import Type
from windlass.cli.forecast import Known
from windlass.cli.holdout import COMPARED_BYTES_MAX, holdout_seen, pointers_seen
from windlass.cli.working import Working
from windlass.delivery.gates.holdouts import prepare
from windlass.delivery.sources.types import DataSpec, FoundService, ServiceSpec, TreeReading
from windlass.main.offline import offline_doors

ROWS = "id,label,x\n1,0,3\n2,1,4\n"
FEWER = "id,label,x\n1,0,3\n"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 30\n"
COLUMNS = {"id": [1, 2], "label": [0, 1], "x": [3, 4]}
OTHER = "the held-out rows are not those that the champion was judged on"


def seen(folder: Path, known: Known | None = None, **data: Any) -> Mapping[str, Any]:
    """What is said about a copy that lies in a folder."""
    spec = ServiceSpec("s", data=DataSpec(**({"holdout": "rows.csv", "label": "label", "id": "id"} | data)))
    found = FoundService("s", "", "windlass.yaml", spec, "p", "k")
    return holdout_seen(offline_doors(), Working(folder, "c", (), TreeReading(), {}), found, known)


def judged_on(columns: Mapping[str, list[Any]]) -> Known:
    """A champion whose verdict was given on these rows."""
    digest = prepare(columns, DataSpec(holdout="rows.csv", label="label", id="id")).holdout.digest
    verdict = {"release": "r1", "holdout": digest}
    return Known({"live": {"release": "r1"}}, ({"kind": "VerdictGiven", "body": verdict},))


def test_the_rows_are_compared_with_those_of_the_champion(tmp_path: Path) -> None:
    """Rows are compared by their content, in whatever order; where there is no champion nothing is claimed."""
    (tmp_path / "rows.csv").write_text(ROWS)
    assert {"rows": 2, "changed": None, "words": None} == seen(tmp_path)
    assert {"rows": 2, "changed": False, "words": None} == seen(tmp_path, judged_on(COLUMNS))
    assert {"rows": 2, "changed": None, "words": None} == seen(tmp_path, Known({"live": {"release": "r1"}}, ()))
    (tmp_path / "rows.csv").write_text("id,label,x\n2,1,4\n1,0,3\n")
    assert {"rows": 2, "changed": False, "words": None} == seen(tmp_path, judged_on(COLUMNS))
    (tmp_path / "rows.csv").write_text(FEWER)
    assert {"rows": 1, "changed": True, "words": OTHER} == seen(tmp_path, judged_on(COLUMNS))


def test_rows_that_cannot_be_judged_are_told_before_the_commit(tmp_path: Path) -> None:
    """A file that is missing, no table, a pointer, or without its label is named in the plan already."""
    assert "rows.csv is not there, so nothing can be judged on it" == seen(tmp_path)["words"]
    (tmp_path / "rows.csv").write_text(ROWS)
    assert 'the holdout has no column "sick"' in seen(tmp_path, label="sick")["words"]
    digest = hashlib.sha256(ROWS.encode()).hexdigest()
    (tmp_path / "rows.csv").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 30\n")
    assert "rows.csv is a Git LFS pointer; `git lfs pull` brings the rows" == seen(tmp_path)["words"]
    (tmp_path / "rows.parquet").write_text("no parquet")
    assert "rows.parquet" in seen(tmp_path, holdout="rows.parquet")["words"]


def test_pointers_are_told_before_the_commit(tmp_path: Path) -> None:
    """Data in whose place a Git LFS pointer lies are named, a folder by its first file; real files are not."""
    folder, outside = tmp_path / "copy", tmp_path / "outside.csv"
    (folder / "parts" / "deep").mkdir(parents=True)
    for path in (folder / "parts" / "a.csv", folder / "parts" / "deep" / "b.csv", outside):
        path.write_text(POINTER)
    (folder / "real.csv").write_text(ROWS)
    places = {"train": "parts", "more": str(outside), "real": "real.csv", "gone": "gone.csv", "away": "../../x"}
    found = FoundService("s", "", "windlass.yaml", ServiceSpec("s", data=DataSpec(places)), "p", "k")
    assert [
        f"data.more: {outside} is a Git LFS pointer; `git lfs pull` brings the file",
        "data.train: parts/a.csv and 1 more are Git LFS pointers; `git lfs pull` brings the files",
    ] == pointers_seen(Working(folder, "c", (), TreeReading(), {}), found)


def test_what_is_not_looked_at_is_not_talked_about(tmp_path: Path) -> None:
    """Without a holdout there is nothing to say, and a large one is left to the gate."""
    nothing = {"rows": None, "changed": None, "words": None}
    assert nothing == seen(tmp_path, holdout="")
    with open(tmp_path / "rows.csv", "wb") as file:
        file.truncate(COMPARED_BYTES_MAX + 1)
    assert nothing == seen(tmp_path)


@pytest.mark.parametrize("verb", ["validate", "plan"])
def test_a_path_that_leads_nowhere_is_an_error(typed: Type, verb: str) -> None:
    """Before anything is committed, both verbs say at its place that the holdout does not exist."""
    pygit2.init_repository(".", initial_head="main")
    Path("windlass.yaml").write_text("service: s\nartifact: m.onnx\ndata:\n  holdout: data/rows.csv\n")
    Path("m.onnx").write_bytes(b"m")
    ended = typed(verb)
    words = 'windlass.yaml:4:12: data.holdout: "data/rows.csv" does not exist in this commit or in the watched folder'
    assert (2, True) == (ended.code, words in ended.out), ended


def test_the_plan_shows_them(typed: Type) -> None:
    """`windlass plan` has a line about the held-out rows."""
    pygit2.init_repository(".", initial_head="main")
    spec = "service: s\nartifact: m.onnx\ndata: {holdout: rows.csv, label: label}\ngate: [accuracy >= 0.5]\n"
    Path("windlass.yaml").write_text(spec)
    Path("m.onnx").write_bytes(b"m")
    Path("rows.csv").write_text(ROWS)
    ended = typed("plan")
    assert (0, True) == (ended.code, "holdout     2 rows" in ended.out), ended
    assert "pointer" not in ended.out
    Path("m.onnx").write_text(POINTER)
    assert "artifact: m.onnx is a Git LFS pointer; `git lfs pull` brings the file" in typed("plan").out
