"""Plain Python classes of a service."""

import re
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

PAGE = Path(__file__).parents[2] / "docs/how-to/write-a-python-class.md"
CODE = re.compile(r"`([^`]+)`")
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


def table_of(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of the how-to."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines[1:]]


def test_the_forms_of_the_page_are_those_that_come(write: Any) -> None:
    """Each annotation in the how-to's table gives what its row says: its expression finds the column."""
    tried = 0
    for annotations, _, column in table_of("What `predict` gets"):
        for annotation in [*CODE.findall(annotations), *(["object"] if "another" in annotations else [])]:
            body = f"    def predict(self, rows: {annotation}):\n        return {column.strip('`')}\n"
            head = HEAD.replace("import typing", "from typing import Sequence")
            assert [1.5, 2.0] == answers(write(f"{head}{body}"))["prediction"].tolist(), annotation
            tried += 1
    assert 6 == tried


def test_the_answers_of_the_page_are_taken(write: Any) -> None:
    """Each answer in the how-to's table is one of two rows, with its outputs."""
    found = []
    for returned, _ in table_of("What `predict` returns"):
        outputs = answers(write(f"{HEAD}    def predict(self, rows):\n        return {returned.strip('`')}\n"))
        assert [1, 0] == outputs["prediction"].tolist(), returned
        found.append(sorted(outputs))
    assert [["prediction"], ["prediction", "probability"], *[["note", "prediction"]] * 2] == found


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


@pytest.mark.parametrize(
    ("parameter", "body", "words"),
    [
        ("rows", "[row['age'] for row in rows]", "a dict of column arrays; annotate its parameter `list` for rows"),
        ("rows", "rows.iloc[:, 0]", "a dict of column arrays; annotate its parameter `list` for rows, `DataFrame`"),
        ("rows", "rows[0]", "a dict of column arrays"),
        ("rows", "rows['age'] if rows['age'] > 1 else 0", "a dict of column arrays"),
        ("rows: list", "rows['age']", "a list of row dicts; annotate its parameter `dict` for columns, `DataFrame`"),
        ("rows: pd.DataFrame", "rows[0]['age']", "a pandas data frame; annotate its parameter `list` for rows, `dict`"),
    ],
)
def test_a_misread_form_is_named(write: Any, parameter: str, body: str, words: str) -> None:
    """Where predict took its rows for another form, a note says which it was and how to get another; callers of the
    service are not told."""
    model = write(f"{HEAD}    def predict(self, {parameter}):\n        return {body}\n")
    with pytest.raises(ModelFailed) as raised:
        answers(model)
    (note,) = raised.value.__cause__.__notes__  # type: ignore[union-attr]
    assert note.startswith(f"predict was called with {words}")
    assert "predict was called" not in str(raised.value)


def test_other_errors_have_no_note(write: Any) -> None:
    """An error that has nothing to do with the form of the rows is left as it is."""
    with pytest.raises(ModelFailed) as raised:
        answers(write(f"{HEAD}    def predict(self, rows):\n        return 1 / 0\n"))
    assert not hasattr(raised.value.__cause__, "__notes__")


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
