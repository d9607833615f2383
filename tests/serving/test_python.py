"""Plain Python classes of a service."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.serving.kit import DIGEST, post
from windlass.kernel.errors import UserMistake, WindlassError
from windlass.serving.door import Door
from windlass.serving.frames import frame_of_rows
from windlass.serving.inference import infer
from windlass.serving.problems import ModelFailed
from windlass.serving.releases import LoadedRelease, load_model, run_model
from windlass.serving.runtimes import Model, RunSpec, Source
from windlass.serving.signature import Signature
from windlass.serving.tables import TableColumn

ROWS = [{"age": 1.5, "city": "a"}, {"age": 2.0, "city": "b"}]
SAMPLE = {"age": TableColumn("FP64", [1.5, 2.0]), "city": TableColumn("BYTES", ["a", "b"])}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads a class out of source text; the modules it brings are forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("WINDLASS_MODEL", "")

    def load(text: str, target: str = "service:Model") -> Model:
        monkeypatch.delitem(sys.modules, "service", raising=False)
        code = tmp_path / "code"
        code.mkdir(exist_ok=True)
        (code / "service.py").write_text(text)
        return load_model(Source(tmp_path / "model", code, RunSpec("python", target=target)))

    yield load
    sys.modules.pop("service", None)


def answers(model: Model) -> dict[str, np.ndarray]:
    """The model's outputs for ROWS."""
    signature = model.draft(SAMPLE)
    return run_model(model, frame_of_rows(ROWS, signature), signature)


HEAD = "import typing\nimport numpy as np\nimport pandas as pd\nclass Model:\n"


@pytest.mark.parametrize(
    ("parameter", "body"),
    [
        ("rows", "rows['age'] * 2"),
        ("rows: dict", "rows['age'] * 2"),
        ("rows: dict[str, np.ndarray]", "(rows['age'] * 2).tolist()"),
        ("rows: list", "[row['age'] * 2 for row in rows]"),
        ("rows: 'list[dict[str, object]]'", "[row['age'] * 2 for row in rows]"),
        ("rows: typing.Sequence[dict]", "[row['age'] * 2 for row in rows]"),
        ("rows: pd.DataFrame", "rows['age'] * 2"),
        ("rows: 'pd.DataFrame'", "pd.DataFrame({'prediction': rows['age'] * 2})"),
        ("rows", "{'prediction': rows['age'] * 2}"),
        ("rows: list", "[{'prediction': row['age'] * 2} for row in rows]"),
    ],
)
def test_rows_come_as_the_annotation_says(write: Any, parameter: str, body: str) -> None:
    """The annotation of predict's parameter chooses columns, rows or a data frame; any usual container is an answer."""
    assert [3.0, 4.0] == answers(write(f"{HEAD}    def predict(self, {parameter}):\n        return {body}\n"))[
        "prediction"
    ].tolist()


def test_setup_runs_once_with_the_model(write: Any, tmp_path: Path) -> None:
    """`setup` is called before the first prediction, with the model's path if it takes one."""
    text = "class Model:\n    def setup(self, path):\n        self.name = path.name\n"
    text += "    def predict(self, rows):\n        return [self.name] * len(rows['age'])\n"
    assert ["model", "model"] == answers(write(text))["prediction"].tolist()
    text = "import os\nclass Model:\n    def setup(self):\n        self.name = os.environ['WINDLASS_MODEL']\n"
    text += "    def predict(self, rows):\n        return [self.name] * len(rows['age'])\n"
    assert [str(tmp_path / "model")] * 2 == answers(write(text))["prediction"].tolist()


def test_classes_name_the_probabilities(write: Any) -> None:
    """A class with `classes` and an output of probabilities is a classifier."""
    text = f"{HEAD}    classes = ['no', 'yes']\n    def predict(self, rows):\n"
    text += "        return {'prediction': ['no', 'yes'], 'probability': np.array([[0.9, 0.1], [0.2, 0.8]])}\n"
    signature = infer(write(text), SAMPLE).signature
    assert (("no", "yes"), "prediction", "probability") == (
        signature.classes,
        signature.prediction,
        signature.probability,
    )


@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        ("x = 1", "service:Model", "module service has no Model"),
        ("class Model: pass", "service:Model", r"has no predict\(\)"),
        ("class Model:\n    def predict(self): pass", "service:Model", r"predict\(\) takes no rows"),
        ("", "service", '"service" is no target'),
        ("", "no_such_module_here:Model", "needs no_such_module_here"),
        ("import no_such_module_here", "service:Model", "needs no_such_module_here"),
        ("1 / 0", "service:Model", "loading the model raised ZeroDivisionError: division by zero"),
        (
            "class Model:\n    def setup(self): 1 / 0\n    def predict(self, r): pass",
            "service:Model",
            "ZeroDivisionError",
        ),
    ],
)
def test_what_cannot_be_loaded_says_why(write: Any, text: str, target: str, words: str) -> None:
    """A missing class, method or module, or an error in the user's code, is said in one sentence."""
    with pytest.raises(WindlassError, match=words):
        write(text, target)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("1 / 0", "the model raised ZeroDivisionError"),
        ("[1]", "answered 1 for 2 rows"),
        ("[{'a': 1}, {'b': 1}]", "rows with different keys"),
        ("None", "one value for 2 rows"),
    ],
)
def test_bad_answers_are_failures(write: Any, body: str, words: str) -> None:
    """An answer that does not fit the rows is the model's failure."""
    with pytest.raises(ModelFailed, match=words):
        answers(write(f"{HEAD}    def predict(self, rows):\n        return {body}\n"))


def test_a_class_needs_a_sample(write: Any) -> None:
    """A Python class does not say what it takes, so its signature needs a sample."""
    with pytest.raises(UserMistake, match="a Python class does not say what it takes"):
        infer(write(f"{HEAD}    def predict(self, rows):\n        return 1\n"), None)


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    """A format that nobody knows is refused with those that are known."""
    with pytest.raises(UserMistake, match="known are onnx, skops, pickle, python"):
        load_model(Source(tmp_path, None, RunSpec("keras")))


def test_data_frames_keep_their_columns() -> None:
    """A frame becomes a data frame with the same names, values and order."""
    from windlass.serving.runtimes.data_frames import data_frame

    frame = data_frame({"b": np.array([1.0]), "a": np.array(["x"], dtype=object)}, Signature(()))
    assert (["b", "a"], [[1.0, "x"]]) == (list(frame.columns), frame.to_numpy(dtype=object).tolist())
    assert isinstance(frame, pd.DataFrame)


def test_without_pandas_a_data_frame_is_asked_for(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class that takes data frames in an environment without pandas says so, in the log and not to the caller."""
    model = write(f"{HEAD}    def predict(self, rows: 'pd.DataFrame'):\n        return rows['age']\n")
    release = LoadedRelease(model, model.draft(SAMPLE), "python")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserMistake, match="add pandas to the service's requirements"):
        release.predict(frame_of_rows(ROWS, release.signature))
    status, problem = post(Door(release, "clinic", DIGEST), "/predict/clinic", ROWS)
    assert (500, "model failed") == (status, problem["title"])
