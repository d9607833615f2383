"""scikit-learn estimators, and whatever follows their ways: skops files, and pickles where the service allows them."""

import pickle
import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np

from windlass.kernel.errors import Refused, UserMistake, clip
from windlass.serving.runtimes import Model, Source
from windlass.serving.runtimes.data_frames import data_frame, has_pandas, matrix
from windlass.serving.runtimes.tabular import no_sample, tabular_signature, wrong_width
from windlass.serving.runtimes.trusted import TRUSTED
from windlass.serving.signature import Frame, Signature
from windlass.serving.tables import TableColumns

PICKLES = (".pkl", ".pickle", ".joblib")
_PICKLE_BYTE = b"\x80"  # how every pickle since protocol 2 begins

_LOOK_AT_NAMES = frozenset({"ColumnTransformer", "FunctionTransformer"})


def load(source: Source) -> Model:
    """Load an estimator.

    Raises:
        UserMistake: the file is no skops file, or the object in it cannot predict.
        Refused: it is a pickle, or holds types that nobody has allowed.
    """
    with source.model.open("rb") as file:
        first = file.read(1)
    if source.model.suffix.lower() in PICKLES or first == _PICKLE_BYTE:
        return _SklearnModel(_load_pickle(source), source.model.name)
    return _SklearnModel(_load_skops(source), source.model.name)


def _load_skops(source: Source) -> Any:
    import skops.io

    data = source.model.read_bytes()
    try:
        unknown = skops.io.get_untrusted_types(data=data)
    except Exception as error:
        what = f"not a skops file: {clip(str(error))}"
        raise UserMistake(what, code="bad-model", where=source.model.name) from error
    refused = sorted(set(unknown) - TRUSTED - set(source.run.allow))
    if refused:
        remedy = f"if they are yours, write `allow: [{', '.join(refused)}]` into windlass.yaml"
        what = f"holds types that are not trusted: {', '.join(refused)}"
        raise Refused(what, code="untrusted-type", where=source.model.name, remedy=remedy)
    return skops.io.loads(data, trusted=list(unknown))


def _load_pickle(source: Source) -> Any:
    if "pickle" not in source.run.allow:
        raise Refused(
            "is a pickle, and loading a pickle runs whatever code it holds",
            code="pickle-refused",
            where=source.model.name,
            remedy="write the model with skops instead: `import skops.io` and `skops.io.dump(model, "
            "os.environ['WINDLASS_OUTPUT'] + '/model.skops')`; or, if you trust where it comes from, "
            "put `allow: [pickle]` into windlass.yaml",
        )
    try:
        if source.model.suffix.lower() == ".joblib":
            return import_module("joblib").load(source.model)
        with source.model.open("rb") as file:
            return pickle.load(file)
    except AttributeError as error:
        what = f"the pickle cannot be loaded: {clip(str(error))}"
        remedy = "define your own classes in a module of the service, not in the training script, and import them"
        raise UserMistake(what, code="bad-model", where=source.model.name, remedy=remedy) from error


def takes_numbers(estimator: Any) -> bool:
    """Whether an estimator answers the same for a plain array of numbers as for a data frame with the same columns.

    A data frame costs more than most models: three milliseconds a request. What looks at names or types of columns, and
    whatever is not scikit-learn's own, gets one all the same.
    """
    kind = type(estimator)
    if not kind.__module__.startswith("sklearn.") or kind.__name__ in _LOOK_AT_NAMES:
        return False
    if getattr(estimator, "_preprocessor", None) is not None:
        return False
    steps = getattr(estimator, "steps", None) or getattr(estimator, "transformer_list", None) or ()
    inner = [step for _, step in steps if not isinstance(step, str)]
    nested = getattr(estimator, "estimator", None)
    return all(takes_numbers(one) for one in [*inner, *([nested] if nested is not None else [])])


class _SklearnModel:
    """An estimator with `predict`, and what it says about itself: feature names, classes, probabilities."""

    def __init__(self, estimator: Any, where: str) -> None:
        if not callable(getattr(estimator, "predict", None)):
            what = f"holds a {type(estimator).__name__}, which has no predict()"
            raise UserMistake(what, code="no-predict", where=where, remedy="save the fitted estimator or pipeline")
        self._estimator = estimator
        known = getattr(estimator, "feature_names_in_", None)
        self._names = None if known is None else [str(name) for name in known]
        self._width: int | None = getattr(estimator, "n_features_in_", None)
        self._takes_numbers = takes_numbers(estimator)
        if self._names is not None and has_pandas():
            import_module("pandas")  # now, so that the first request does not wait for it

    def draft(self, sample: TableColumns | None) -> Signature:
        if sample is None:
            raise no_sample("the model does not say the types of its columns")
        names = self._names or list(sample)
        if self._names is None and self._width is not None and self._width != len(names):
            raise wrong_width(self._width, sample)
        signature = tabular_signature(names, sample)
        classes = getattr(self._estimator, "classes_", None)
        has_probability = hasattr(self._estimator, "predict_proba")
        if not has_probability or not isinstance(classes, np.ndarray) or classes.ndim != 1:
            return Signature(signature.inputs, columns=signature.columns, prediction="prediction")
        return Signature(
            signature.inputs,
            columns=signature.columns,
            classes=tuple(classes.tolist()),
            prediction="prediction",
            probability="probability",
        )

    def predict(self, frame: Frame, signature: Signature) -> Mapping[str, Any]:
        rows = self._arranged(frame, signature)
        with warnings.catch_warnings():
            # Feature names were checked against the signature; where pandas is absent an array is what we have.
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            outputs = {"prediction": self._estimator.predict(rows)}
            if signature.probability:
                outputs["probability"] = self._estimator.predict_proba(rows)
            elif hasattr(self._estimator, "decision_function"):
                outputs["score"] = self._estimator.decision_function(rows)
        return outputs

    def _arranged(self, frame: Frame, signature: Signature) -> Any:
        """The rows as the estimator was trained on them: a data frame, an array, or bare texts for a vectorizer."""
        numbers_do = self._takes_numbers and all(array.dtype.kind in "biuf" for array in frame.values())
        can_frame = has_pandas() or any(column.categories for column in signature.columns)
        if self._names is not None and not numbers_do and can_frame:
            return data_frame(frame, signature)
        if numbers_do and self._names is not None:
            return np.asfortranarray(matrix(frame))  # the order in which a data frame lies in memory: equal to the bit
        first = next(iter(frame.values()))
        is_bare_text = len(frame) == 1 and first.dtype == object
        return first if self._names is None and self._width is None and is_bare_text else matrix(frame)
