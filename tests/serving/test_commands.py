"""The commands around a release: infer its signature, score a table, start in a foreign environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.serving.kit import (
    BOOTSTRAP,
    LABELS,
    ROWS,
    python_release,
    run_module,
    skops_release,
    trained_pipeline,
)
from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.errors import clip
from windlass.serving.signature import read_signature

INSPECT, SCORE = "windlass.serving.inspect", "windlass.serving.score"


LIGHT = """
class Model:
    def predict(self, rows):
        return {"prediction": rows["age"] * 2 + rows["visits"], "size": [len(city) for city in rows["city"]]}
"""
EXPECTED = [row["age"] * 2 + row["visits"] for row in ROWS]  # type: ignore[operator]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that needs no library to load."""
    return python_release(tmp_path_factory.mktemp("release") / "r", LIGHT)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The training rows with their labels."""
    path = tmp_path / "rows.parquet"
    pd.DataFrame(ROWS).assign(id=range(len(ROWS)), label=LABELS).to_parquet(path)
    return path


def last_line(text: str) -> str:
    return text.splitlines()[-1]


def test_a_trained_model_is_inspected_and_scored(table: Path, tmp_path: Path) -> None:
    """The inferred signature is canonical JSON, the first rows stand beside what the model answered to them, and the
    scores of the whole table are the estimator's own labels and probabilities, to the last bit."""
    release = skops_release(tmp_path / "r")
    output, record = tmp_path / "signature.json", tmp_path / "sample.json"
    done = run_module(
        INSPECT,
        *("--model", str(release / "model" / "model.skops"), "--kind", "skops"),
        *("--sample", str(table), "--without", "label,id"),
        *("--output", str(output), "--record", str(record)),
    )
    assert 0 == done.returncode, done.stderr
    assert read_signature(release / "signature.json") == read_signature(output)
    assert canonical_bytes(json.loads(output.read_bytes())) == output.read_bytes()
    recorded, model = json.loads(record.read_text()), trained_pipeline()
    labels, chances = model.predict(pd.DataFrame(ROWS)).tolist(), model.predict_proba(pd.DataFrame(ROWS)).tolist()
    assert (ROWS[:20], labels[:20], chances[:20]) == (
        recorded["rows"],
        recorded["predictions"],
        recorded["probabilities"],
    )
    done = score(release, table)
    assert 0 == done.returncode, done.stderr
    scores = json.loads((tmp_path / "s.json").read_text())
    assert (labels, chances, ["high", "low"]) == (scores["prediction"], scores["probability"], scores["classes"])


@pytest.mark.parametrize("ending", ["parquet", "csv", "json"])
def test_a_table_is_scored(release: Path, table: Path, tmp_path: Path, ending: str) -> None:
    """A table of each format is scored in its order, columns that the model does not take are passed over, and the cost
    of single calls and of memory is measured."""
    frame, path = pd.read_parquet(table), tmp_path / f"rows.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False)
    elif ending == "json":
        path.write_text(json.dumps({"rows": frame.to_dict("records")}))
    done = score(release, path)
    assert 0 == done.returncode, done.stderr
    scores = json.loads((tmp_path / "s.json").read_text())
    assert (len(ROWS), None, None) == (scores["rows"], scores["classes"], scores["probability"])
    assert EXPECTED == scores["prediction"] == scores["outputs"]["prediction"]
    assert [len(str(row["city"])) for row in ROWS] == scores["outputs"]["size"]
    assert len(ROWS) == len([value for value in scores["latency_ms"] if value > 0])
    assert scores["load_seconds"] > 0
    assert scores["peak_memory_bytes"] > 1 << 24


def test_scores_of_the_first_rows(release: Path, table: Path, tmp_path: Path) -> None:
    """`--limit` scores the first rows only."""
    output = tmp_path / "scores.json"
    frame, path = pd.read_parquet(table), tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    done = run_module(SCORE, "--release", str(release), "--input", str(path), "--output", str(output), "--limit", "3")
    assert (0, 3) == (done.returncode, len(json.loads(output.read_text())["prediction"]))


def score(release: Path, table: Path) -> subprocess.CompletedProcess[str]:
    return run_module(SCORE, "--release", str(release), "--input", str(table), "--output", str(table.parent / "s.json"))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{**ROWS[0]}, {**ROWS[0], "age": None}], 'column "age", row 1: expected FP64 (a number), given null'),
        ([{"age": 1, "visits": 1}], 'column "city": the table does not have a column of the model'),
        ([{**ROWS[0], "visits": 1.5}], 'column "visits", row 0: expected INT64'),
    ],
)
def test_a_table_that_does_not_fit_ends_with_4(release: Path, tmp_path: Path, rows: Any, words: str) -> None:
    """A table that the model cannot predict ends with 4, and the last line names row and column."""
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows))
    done = score(release, path)
    assert (4, True) == (done.returncode, words in last_line(done.stderr)), done.stderr


def test_a_failing_model_ends_with_4(tmp_path: Path) -> None:
    """A model that raises ends with 4; its traceback stands above the last line, which holds its words."""
    release = python_release(tmp_path / "r", "class Model:\n    def predict(self, rows):\n        return 1 / 0\n")
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(ROWS))
    done = score(release, path)
    assert 4 == done.returncode
    assert "rows 0 to 39: the model raised ZeroDivisionError: division by zero" == last_line(done.stderr)
    assert "Traceback" in done.stderr


def test_the_form_of_the_rows_is_told_whatever_the_cause_says(tmp_path: Path) -> None:
    """The last line has the note on the form even where it is clipped: the words of the cause give way, in the
    traceback they are whole."""
    text = "class Model:\n    def predict(self, rows: list):\n        raise TypeError('x' * 300)\n"
    release, path = python_release(tmp_path / "r", text), tmp_path / "rows.json"
    path.write_text(json.dumps(ROWS))
    said = score(release, path).stderr
    assert clip(last_line(said)) == last_line(said)
    assert "the model raised TypeError: xxx" in last_line(said)
    assert last_line(said).endswith("annotate its parameter `dict` for columns, `DataFrame` for pandas")
    assert "x" * 300 in said


def test_a_tensor_model_scores_no_table(tmp_path: Path) -> None:
    """A release over tensors cannot score the rows of a table, and says so."""
    release = python_release(tmp_path / "r", LIGHT)
    spec = json.loads((release / "signature.json").read_text())
    (release / "signature.json").write_text(json.dumps({**spec, "columns": []}))
    (tmp_path / "rows.csv").write_text("age\n1\n")
    done = score(release, tmp_path / "rows.csv")
    assert (4, "the model takes tensors, not the rows of a table") == (done.returncode, last_line(done.stderr))


@pytest.mark.parametrize("text", ["{", "{}", '{"inputs": 3}'])
def test_a_broken_signature_ends_with_3(tmp_path: Path, text: str) -> None:
    """A release whose signature cannot be read does not load."""
    release = python_release(tmp_path / "r", LIGHT)
    (release / "signature.json").write_text(text)
    done = score(release, tmp_path / "rows.csv")
    assert (3, True) == (done.returncode, "no readable signature" in last_line(done.stderr))


@pytest.mark.parametrize("name", ["absent.csv", "rows.txt"])
def test_a_table_that_cannot_be_read_ends_with_2(release: Path, tmp_path: Path, name: str) -> None:
    """A table that is not there, or of another kind, ends with 2."""
    done = score(release, tmp_path / name)
    assert (2, True) == (done.returncode, "the table cannot be read" in last_line(done.stderr))


def test_a_release_that_cannot_be_loaded_ends_with_3(table: Path, tmp_path: Path) -> None:
    """A release that does not load ends with 3."""
    done = score(python_release(tmp_path / "r", "1 / 0"), table)
    assert (3, True) == (done.returncode, "ZeroDivisionError" in last_line(done.stderr))


def test_an_empty_table_has_no_scores(release: Path, tmp_path: Path) -> None:
    """A table without rows gives no scores, and no error: judging it is somebody else's task."""
    path = tmp_path / "rows.csv"
    path.write_text("age,visits,city\n")
    done = score(release, path)
    assert (0, 0) == (done.returncode, json.loads((tmp_path / "s.json").read_text())["rows"]), done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--model", "m.pkl", "--kind", "skops"], 3, "put `allow: [pickle]` into windlass.yaml"),
        (["--model", "absent.skops", "--kind", "skops"], 3, "No such file"),
        (["--model", "m.pkl", "--kind", "keras"], 3, "known are onnx, skops, pickle, python"),
        (["--model", "m.pkl", "--kind", "skops", "--sample", "no.csv"], 2, "the table cannot be read"),
        (["--model", "m.pkl", "--kind", "pickle", "--allow", "pickle"], 4, "the signature cannot be inferred"),
    ],
)
def test_inspect_says_what_is_wrong(tmp_path: Path, arguments: list[str], status: int, words: str) -> None:
    """A model that does not load ends with 3, one that has no sample with 4, a sample that cannot be read with 2."""
    import pickle

    from sklearn.linear_model import LinearRegression

    (tmp_path / "m.pkl").write_bytes(pickle.dumps(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])))
    places = [str(tmp_path / text) if "." in text else text for text in arguments]
    done = run_module(INSPECT, *places, "--output", str(tmp_path / "signature.json"))
    assert (status, True) == (done.returncode, words in last_line(done.stderr)), done.stderr
    assert not (tmp_path / "signature.json").exists()


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ("y", "the model takes 1 columns, the sample has 2; name what is no feature under `data:`"),
        ("y,nosuch", 'the sample has 2, and no "nosuch", which `data:` names; correct `data:` (label, id, unit, time)'),
        (
            f"{'long' * 60},b{'long' * 60},c",
            f'the sample has 3, and no "{"long" * 6}…", "b{"long" * 5}lon…" and 1 more, which `data:` names; correct ',
        ),
    ],
)
def test_a_sample_of_another_width_names_what_it_lacks(tmp_path: Path, without: str, words: str) -> None:
    """A label that the sample does not have is named where the number of columns is not the model's, and no name is so
    long that the remedy would be cut off."""
    import pickle

    from sklearn.linear_model import LinearRegression

    (tmp_path / "m.pkl").write_bytes(pickle.dumps(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])))
    (tmp_path / "rows.csv").write_text("a,x,y\n1,2,3\n")
    arguments = ["--model", "m.pkl", "--kind", "pickle", "--sample", "rows.csv", "--output", "s.json"]
    places = [str(tmp_path / text) if "." in text else text for text in arguments]
    done = run_module(INSPECT, *places, "--allow", "pickle", "--without", without)
    said = last_line(done.stderr)
    assert (4, True, True) == (done.returncode, words in said, len(said) < 200), done.stderr


def test_inspect_takes_a_class_from_code(tmp_path: Path) -> None:
    """A Python class is found in the folder of code, given its model and tried on the sample."""
    (tmp_path / "code").mkdir()
    code = "class Model:\n    def setup(self, path):\n        self.add = float(path.read_text())\n"
    code += "    def predict(self, rows):\n        return rows['age'] + self.add\n"
    (tmp_path / "code" / "service.py").write_text(code)
    (tmp_path / "weights.txt").write_text("0.5")
    (tmp_path / "rows.csv").write_text("age\n1\n2\n")
    done = run_module(
        INSPECT,
        *("--model", str(tmp_path / "weights.txt"), "--kind", "python", "--target", "service:Model"),
        *("--code", str(tmp_path / "code"), "--sample", str(tmp_path / "rows.csv")),
        *("--output", str(tmp_path / "signature.json"), "--record", str(tmp_path / "record.json")),
    )
    assert 0 == done.returncode, done.stderr
    assert [1.5, 2.5] == json.loads((tmp_path / "record.json").read_text())["predictions"]
    assert "INT64" == read_signature(tmp_path / "signature.json").columns[0].datatype


def test_the_bootstrap_appends_the_overlay_last(tmp_path: Path) -> None:
    """The overlay comes last on the path, so that the environment's own modules win; the working directory and the
    bootstrap's own folder are not on it."""
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    (overlay / "json.py").write_text("raise AssertionError('the overlay must not win')")
    (overlay / "shown.py").write_text(
        "import json, sys, inspect\nprint(json.dumps([sys.argv, sys.path, inspect.__file__]))"
    )
    (tmp_path / "inspect.py").write_text("raise AssertionError('the working directory must not be searched')")
    done = subprocess.run(
        [sys.executable, str(BOOTSTRAP), str(overlay), "shown", "--a", "b"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    arguments, path, inspect_file = json.loads(done.stdout)
    assert (["--a", "b"], str(overlay)) == (arguments[1:], path[-1])
    assert not {str(tmp_path), str(BOOTSTRAP.parent), ""} & set(path)
    assert BOOTSTRAP.parent != Path(inspect_file).parent


def test_an_overlay_serves_an_environment_without_us(release: Path, tmp_path: Path) -> None:
    """An interpreter that does not hold Windlass scores a table with the overlay behind its own packages."""
    import sysconfig

    import windlass

    overlay = tmp_path / "overlay"
    overlay.mkdir()
    (overlay / "windlass").symlink_to(Path(windlass.__file__).parent)
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if 'windlass' not in p and p != {0!r}]; sys.path.append({1!r});"
    )
    site = sysconfig.get_path("purelib")
    shadow = tmp_path / "environment"
    shadow.mkdir()
    for name in os.listdir(site):
        if not name.startswith(("_editable_impl_windlass", "windlass")):
            (shadow / name).symlink_to(Path(site) / name)
    command = [sys.executable, "-S", "-c", code.format(site, str(shadow)) + BODY, str(BOOTSTRAP), str(overlay), SCORE]
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    command += ["--release", str(release), "--input", str(tmp_path / "rows.json"), "--output", str(tmp_path / "s.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert 0 == done.returncode, done.stderr
    assert EXPECTED == json.loads((tmp_path / "s.json").read_text())["prediction"]


# Runs the bootstrap as `python bootstrap.py` would, on the path made above.
BODY = """
import runpy
sys.argv = sys.argv[1:]
sys.path.insert(0, "")
runpy.run_path(sys.argv[0], run_name="__main__")
"""

HEAVY = {
    "blake3",
    "joblib",
    "onnxruntime",
    "pandas",
    "pyarrow",
    "scipy",
    "skops",
    "sklearn",
    "yaml",
    "pydantic",
    "httpx2",
}


@pytest.mark.parametrize(
    "module",
    [f"windlass.serving.{name}" for name in ("__main__", "score", "inspect", "server", "door")],
)
def test_importing_the_server_is_light(module: str) -> None:
    """At import the server takes only the standard library, msgspec, uvicorn and numpy of what is installed."""
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    foreign = set(done.stdout.split()) - set(sys.stdlib_module_names)
    assert not HEAVY & foreign
    if not module.endswith(("server", "door")):
        assert "numpy" not in foreign  # the variables for one thread are set before it comes
