"""Every example is a service as it lies there, and so is what `windlass init` writes: it trains, and can be asked."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import windlass
from tools import doctor_visits
from windlass.delivery.gates.lines import gate_check
from windlass.delivery.sources.template import TABLES, starter_files
from windlass.delivery.sources.tree import wanted_from_tree
from windlass.delivery.sources.types import CommitTree, FoundService
from windlass.ports.git import TreeEntry

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir())
PAGE = ROOT / "docs/how-to/write-a-python-class.md"
FILE = re.compile(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", re.DOTALL)  # a file of the page: its name, a colon, its text
BOOTSTRAP = Path(windlass.__file__).parent / "serving/bootstrap.py"


def copy_of(name: str, folder: Path) -> Path:
    """The example, the starter, or the starter with the files of the how-to, as a folder of its own."""
    copy = folder / "copy"
    if name in EXAMPLES:
        shutil.copytree(ROOT / "examples" / name, copy, ignore=shutil.ignore_patterns("__pycache__"))
        return copy
    starter = resources.files("windlass.delivery.sources") / "starter"
    tables = {table: (starter / table).read_text(encoding="utf-8") for table in TABLES}
    for path, text in starter_files("doctor-visits", tables).items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_text(text, encoding="utf-8")
    for path, text in FILE.findall(PAGE.read_text(encoding="utf-8")) if name == PAGE.stem else ():
        (copy / path).write_text(text, encoding="utf-8")
    return copy


def service_in(folder: Path) -> FoundService:
    """The one service of a folder that is read like a commit."""
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    entries = tuple(TreeEntry(path, "file", path) for path in paths)
    files = {"windlass.yaml": (folder / "windlass.yaml").read_bytes()}
    reading = wanted_from_tree(CommitTree(entries, files), gate_check)
    assert ((), ()) == (reading.complaints, reading.refused)
    (found,) = reading.services
    return found


def run(command: list[str], folder: Path, **variables: str) -> None:
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"OMP_NUM_THREADS": "1"}  # threads that wait for each other on a busy machine take a minute
    done = subprocess.run(command, cwd=folder, env=environment | variables, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", [*EXAMPLES, "starter", PAGE.stem])
def test_an_example_trains_and_answers(name: str, tmp_path: Path) -> None:
    """Its file has no complaint, its test and its training succeed without the holdout, and the model server can load
    and ask what training wrote."""
    folder = copy_of(name, tmp_path)
    found = service_in(folder)
    spec, output = found.spec, tmp_path / "output"
    (folder / spec.data.holdout).rename(tmp_path / "holdout")
    output.mkdir()
    if spec.test:
        run(["sh", "-c", spec.test], folder)
    variables = {f"WINDLASS_DATA_{key.upper()}": str(folder / path) for key, path in spec.data.entries.items()}
    variables |= {"WINDLASS_OUTPUT": str(output), "WINDLASS_PARAMS": json.dumps(dict(spec.params)), **spec.env}
    run(["sh", "-c", spec.train], folder, **variables)
    (model,) = output.iterdir()

    kind = ["--kind", "python", "--target", spec.model, "--code", str(folder)] if spec.model else ["--kind", "skops"]
    columns = ",".join(filter(None, (spec.data.label, spec.data.id, spec.data.unit, spec.data.time)))
    asked = ["--sample", str(folder / spec.data.entries["train"]), "--without", columns]
    written = ["--output", str(tmp_path / "signature.json"), "--record", str(tmp_path / "sample.json")]
    asked += ["--model", str(output if spec.model else model)]  # as a release has it: a class is given the folder
    inspect = [sys.executable, str(BOOTSTRAP), "", "windlass.serving.inspect"]
    run([*inspect, *kind, *asked, *written], folder)
    signature = json.loads((tmp_path / "signature.json").read_text(encoding="utf-8"))
    assert [0, 1] == signature["classes"]
    assert spec.data.label not in {column["name"] for column in signature["columns"]}


def test_the_tables_are_made_as_their_pages_say() -> None:
    """The shipped tables are what `python -m tools.doctor_visits` makes from the published data."""
    starter = resources.files("windlass.delivery.sources") / "starter"
    train, holdout = doctor_visits.tables()
    for name, rows in (("train", train), ("holdout", holdout)):
        assert doctor_visits.starter_text(rows) == (starter / f"{name}.csv").read_text(encoding="utf-8")
        copied = ROOT / "examples/python-class/data" / f"{name}.csv"
        assert (starter / f"{name}.csv").read_bytes() == copied.read_bytes()
    assert not set(train["person"]) & set(holdout["person"])
