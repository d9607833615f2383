"""scikit-learn models as skops files, and pickles only by leave."""

import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.serving.kit import (
    DIGEST,
    LABELS,
    ROWS,
    close_to,
    loaded,
    make_release,
    post,
    skops_release,
    trained_pipeline,
    write_skops,
)
from windlass.kernel.errors import Refused, UserMistake, WindlassError
from windlass.serving.door import Door
from windlass.serving.inference import infer
from windlass.serving.releases import WARM_UP_CALLS, load_model, warm_up
from windlass.serving.runtimes import RunSpec, Source
from windlass.serving.runtimes.sklearn import takes_numbers
from windlass.serving.signature import ColumnSpec, Signature, read_signature
from windlass.serving.tables import read_table

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(60, 3))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
NUMERIC_ROWS = [dict(zip("abc", row, strict=True)) for row in X.tolist()]


def a_door(release: Path) -> Door:
    return Door(loaded(release), "clinic", DIGEST)


def test_a_pipeline_answers_as_it_was_trained(tmp_path: Path) -> None:
    """A served classifier over named columns gives the estimator's own labels and probabilities, to the last bit."""
    door, model = a_door(skops_release(tmp_path / "r")), trained_pipeline()
    _, answer = post(door, "/predict/clinic", ROWS)
    assert model.predict(pd.DataFrame(ROWS)).tolist() == answer["predictions"]
    assert model.predict_proba(pd.DataFrame(ROWS)).tolist() == answer["probabilities"]
    assert ["high", "low"] == answer["classes"]


def test_the_signature_says_what_the_sample_was(tmp_path: Path) -> None:
    """Columns come in the order of training with the sample's types; classes and outputs are named."""
    signature = read_signature(skops_release(tmp_path / "r") / "signature.json")
    assert (
        ColumnSpec("age", "FP64"),
        ColumnSpec("visits", "INT64"),
        ColumnSpec("city", "BYTES"),
    ) == signature.columns
    assert (("high", "low"), "prediction", "probability") == (
        signature.classes,
        signature.prediction,
        signature.probability,
    )
    assert [("prediction", "BYTES", (-1,)), ("probability", "FP64", (-1, 2))] == [
        (spec.name, spec.datatype, spec.shape) for spec in signature.outputs
    ]


def test_unseen_categories_are_served(tmp_path: Path) -> None:
    """A city that the model never saw is answered, not refused."""
    assert 200 == post(a_door(skops_release(tmp_path / "r")), "/predict/clinic", {**ROWS[0], "city": "Oslo"})[0]


def test_missing_values_are_served_where_training_had_them(tmp_path: Path) -> None:
    """A null is served where the sample had one, and refused with column and row where it had none."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = [{"a": row["a"], "b": None if index % 7 == 0 else row["b"]} for index, row in enumerate(NUMERIC_ROWS)]
    model = HistGradientBoostingClassifier(max_iter=3).fit(pd.DataFrame(rows), Y)
    door = a_door(make_release(tmp_path / "r", write_skops(model), {"format": "skops"}, rows))
    assert 200 == post(door, "/predict/clinic", {"a": 1.0, "b": None})[0]
    status, problem = post(door, "/predict/clinic", [{"a": 1.0, "b": 1.0}, {"a": None, "b": 1.0}])
    assert (400, True) == (status, 'column "a", row 1: expected FP64 (a number), given null' in problem["detail"])


def test_categorical_columns_keep_their_categories(tmp_path: Path) -> None:
    """A model trained on categorical columns gets them so; an unseen category is served as missing."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    frame = pd.DataFrame({"a": X[:, 0], "kind": pd.Categorical(np.where(X[:, 1] > 0, "up", "down"))})
    model = HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype").fit(frame, Y)
    sample = tmp_path / "sample.parquet"
    frame.to_parquet(sample)
    path = tmp_path / "model.skops"
    skops.io.dump(model, path)
    inferred = infer(load_model(Source(path, None, RunSpec("skops"))), read_table(sample))
    assert ColumnSpec("kind", "BYTES", categories=("down", "up")) == inferred.signature.columns[1]
    assert close_to(model.predict_proba(frame.head(20)), inferred.outputs["probability"])


@pytest.mark.parametrize("names", [True, False], ids=["trained on a frame", "trained on an array"])
def test_regressors_answer_numbers(tmp_path: Path, names: bool) -> None:
    """A regressor answers a number a row and no probabilities, whether it knows column names or not."""
    from sklearn.linear_model import LinearRegression

    data = pd.DataFrame(X, columns=["a", "b", "c"])
    model = LinearRegression().fit(data if names else X, X[:, 0] * 3 + 1)
    door = a_door(make_release(tmp_path / "r", write_skops(model), {"format": "skops"}, NUMERIC_ROWS))
    _, answer = post(door, "/predict/clinic", {"dataframe_split": {"columns": ["c", "a", "b"], "data": [[0, 2, 0]]}})
    assert close_to([7.0], answer["predictions"])
    assert "probabilities" not in answer


def test_a_margin_is_a_score(tmp_path: Path) -> None:
    """A classifier without probabilities answers its margin as the output `score`."""
    from sklearn.svm import LinearSVC

    model = LinearSVC().fit(X, Y)
    release = make_release(tmp_path / "r", write_skops(model), {"format": "skops"}, NUMERIC_ROWS)
    outputs = loaded(release).predict({name: X[:, index] for index, name in enumerate("abc")})
    assert close_to(model.decision_function(X), outputs["score"])
    assert () == read_signature(release / "signature.json").classes


def test_a_text_pipeline_takes_one_column(tmp_path: Path) -> None:
    """A vectorizer's pipeline takes one text column and is given bare texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts = ["good day", "bad day", "good work", "bad luck"]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, ["+", "-", "+", "-"])
    rows = [{"text": text} for text in texts]
    door = a_door(make_release(tmp_path / "r", write_skops(model), {"format": "skops"}, rows))
    assert ["+", "-"] == post(door, "/predict/clinic", [["good"], ["bad"]])[1]["predictions"]


def estimators() -> list[Any]:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import (
        GradientBoostingClassifier,
        RandomForestClassifier,
        StackingClassifier,
        VotingClassifier,
    )
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, SGDClassifier
    from sklearn.model_selection import GridSearchCV
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer
    from sklearn.tree import DecisionTreeClassifier

    trees = [("l", LogisticRegression()), ("t", DecisionTreeClassifier())]
    return [
        CalibratedClassifierCV(GaussianNB()),
        GaussianProcessClassifier(),
        GradientBoostingClassifier(n_estimators=3),
        GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=2),
        KNeighborsClassifier(),
        RandomForestClassifier(n_estimators=3),
        SGDClassifier("log_loss"),
        StackingClassifier(trees, cv=2),
        VotingClassifier(trees, voting="soft"),
        make_pipeline(SimpleImputer(), SplineTransformer(), LogisticRegression()),
    ]


@pytest.mark.parametrize("estimator", estimators(), ids=lambda estimator: type(estimator).__name__)
def test_common_estimators_need_no_leave(estimator: Any, tmp_path: Path) -> None:
    """The estimators people use load from skops without an `allow`, and answer what they answered before."""
    path = tmp_path / "model.skops"
    model = estimator.fit(X, Y)
    skops.io.dump(model, path)
    frame = {name: X[:, index] for index, name in enumerate("abc")}
    outputs = load_model(Source(path, None, RunSpec("skops"))).predict(frame, Signature((), probability="probability"))
    assert close_to(model.predict_proba(X), outputs["probability"])


class Doubled:
    """A type of our own that skops does not know."""

    def predict(self, rows: Any) -> Any:
        return np.asarray(rows)[:, 0] * 2


def test_untrusted_types_are_refused_by_name(tmp_path: Path) -> None:
    """A file with a type that nobody reviewed is refused, naming it and the line that allows it, and then loads."""
    path = tmp_path / "model.skops"
    skops.io.dump(Doubled(), path)
    name = f"{Doubled.__module__}.Doubled"
    with pytest.raises(Refused) as caught:
        load_model(Source(path, None, RunSpec("skops")))
    assert "model.skops" == caught.value.where
    assert f"allow: [{name}]" in caught.value.remedy
    model = load_model(Source(path, None, RunSpec("skops", allow=(name,))))
    assert [2.0, 4.0] == model.predict({"a": np.array([1.0, 2.0])}, Signature(()))["prediction"].tolist()


class Bomb:
    """A pickle of this sets a mark when it is loaded."""

    exploded = False

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return explode, ()


def explode() -> None:
    Bomb.exploded = True


@pytest.mark.parametrize("name", ["model.pkl", "model.pickle", "model.joblib", "model.skops", "model.bin"])
def test_pickles_are_refused_unread(tmp_path: Path, name: str) -> None:
    """A pickle is refused by ending or first byte before a byte of it runs, and the words show both ways out."""
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(Refused) as caught:
        load_model(Source(path, None, RunSpec("skops")))
    assert not Bomb.exploded
    assert "skops.io.dump(model" in str(caught.value)
    assert "allow: [pickle]" in str(caught.value)


@pytest.mark.parametrize("ending", ["pkl", "joblib"])
def test_allowed_pickles_load(tmp_path: Path, ending: str) -> None:
    """With `allow: [pickle]` a pickle or a joblib file is served like any other estimator."""

    def write(folder: Path) -> str:
        path = folder / f"model.{ending}"
        if ending == "joblib":
            import_module("joblib").dump(trained_pipeline(), path)
        else:
            path.write_bytes(pickle.dumps(trained_pipeline()))
        return path.name

    release = make_release(tmp_path / "r", write, {"format": "skops", "allow": ["pickle"]})
    _, answer = post(a_door(release), "/predict/clinic", ROWS)
    assert len(set(LABELS)) == len(set(answer["predictions"]))


def test_a_class_of_the_training_script_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle of a class that lived in the training script says where the class must live instead."""
    monkeypatch.setattr(sys.modules["__main__"], "Doubled", Doubled, raising=False)
    monkeypatch.setattr(Doubled, "__module__", "__main__")
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Doubled()))
    monkeypatch.delattr(sys.modules["__main__"], "Doubled")
    with pytest.raises(UserMistake, match="define your own classes in a module of the service"):
        load_model(Source(path, None, RunSpec("pickle", allow=("pickle",))))


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "not a skops file"), (b"PK\x03\x04cut off", "not a skops file"), (b"{}", "not a skops file")],
)
def test_broken_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """What is no skops file is refused with its name."""
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    with pytest.raises(UserMistake, match=words):
        load_model(Source(path, None, RunSpec("skops")))


def test_what_cannot_predict_is_refused(tmp_path: Path) -> None:
    """An object without predict() is no model."""
    path = tmp_path / "model.skops"
    skops.io.dump({"a": 1}, path)
    with pytest.raises(UserMistake, match=r"holds a dict, which has no predict\(\)"):
        load_model(Source(path, None, RunSpec("skops")))


def test_a_missing_module_is_named(tmp_path: Path) -> None:
    """A pickle that needs a package which is not installed says which."""
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x04cnot_installed_here\nModel\n.")
    with pytest.raises(UserMistake, match="needs not_installed_here"):
        load_model(Source(path, None, RunSpec("pickle", allow=("pickle",))))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (None, "the signature cannot be inferred"),
        ([{"a": 1.0, "b": 1.0}], 'takes "c", which the sample does not have; train on columns of the sample'),
        ([{"a": 1.0, "b": 1.0, "d": 1, "e": 1, "f": 1}], 'of the sample; it alone has "d", "e" and 1 more'),
        ([{"a": 1.0, "b": 1.0, "c": [1]}], 'column "c": column has the type JSON'),
    ],
)
def test_samples_that_do_not_fit(tmp_path: Path, rows: Any, words: str) -> None:
    """A missing sample, a missing column, or a type that no request carries is said with what the sample has."""
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(pd.DataFrame(X, columns=["a", "b", "c"]), Y)
    with pytest.raises(WindlassError) as caught:
        make_release(tmp_path / "r", write_skops(model), {"format": "skops"}, rows)
    assert words in str(caught.value)


def test_a_sample_of_another_width_is_refused(tmp_path: Path) -> None:
    """A model without names takes the sample's columns only where their number is right."""
    from sklearn.linear_model import LinearRegression

    rows = [{**row, "label": 1} for row in NUMERIC_ROWS]
    with pytest.raises(UserMistake, match="takes 3 columns, the sample has 4; name what is no feature under"):
        make_release(tmp_path / "r", write_skops(LinearRegression().fit(X, Y)), {"format": "skops"}, rows)


@pytest.mark.parametrize(
    ("estimator", "numbers_do"),
    [
        (LogisticRegression(), True),
        (make_pipeline(StandardScaler(), LogisticRegression()), True),
        (make_pipeline(make_column_transformer(("passthrough", ["a"])), LogisticRegression()), False),
        (make_pipeline(FunctionTransformer(), LogisticRegression()), False),
        (CalibratedClassifierCV(make_pipeline(FunctionTransformer(), LogisticRegression())), False),
    ],
)
def test_numbers_need_no_data_frame(estimator: Any, numbers_do: bool, tmp_path: Path) -> None:
    """An estimator that never looks at names gets a plain array, and answers to the last bit what it answers to a
    data frame; one that may look at names gets the data frame."""
    rows = pd.DataFrame(X, columns=["a", "b", "c"])
    estimator.fit(rows, Y)
    assert numbers_do is takes_numbers(estimator)
    door = a_door(make_release(tmp_path / "r", write_skops(estimator), {"format": "skops"}, NUMERIC_ROWS))
    _, answer = post(door, "/predict/clinic", NUMERIC_ROWS)
    assert estimator.predict_proba(rows).tolist() == answer["probabilities"]


def test_a_replica_is_warm_before_it_is_ready(tmp_path: Path) -> None:
    """Made-up rows go through the model before the first caller's do; what it says to them is of no interest."""
    release = loaded(skops_release(tmp_path / "r"))
    calls: list[int] = []

    class Counting:
        def predict(self, frame: Any, signature: Any) -> Any:
            calls.append(len(frame["city"]))
            raise ValueError("a row that nobody sent")

    warm_up(replace(release, model=Counting()))  # type: ignore[arg-type]
    assert [1] * WARM_UP_CALLS == calls
    warm_up(replace(release, model=Counting(), format="python"))  # type: ignore[arg-type]
    assert WARM_UP_CALLS == len(calls)
