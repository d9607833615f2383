"""What a zygote imports before it forks: our model server and the libraries that models are made of.

Importing scikit-learn costs seconds of processor time; a fork costs milliseconds. No code of a user is among it: a
model's own modules, its file and its first prediction belong to the child. onnxruntime is left to the child as well: it
is imported in no time, and some of its versions start threads.
"""

import contextlib
from importlib import import_module

_OURS = (
    "windlass.serving.door",
    "windlass.serving.inference",
    "windlass.serving.releases",
    "windlass.serving.server",
    "windlass.serving.tables",
    "windlass.serving.runtimes.python",
    "windlass.serving.runtimes.sklearn",
)
# In scikit-learn each family of estimators is a module of its own, and a model names those it needs only when it loads.
_FAMILIES = (
    *("calibration", "compose", "ensemble", "feature_extraction.text", "impute", "isotonic", "kernel_approximation"),
    *("linear_model", "naive_bayes", "neighbors", "neural_network", "pipeline", "preprocessing", "svm", "tree"),
)
_LIBRARIES = (
    *("numpy", "pandas", "pyarrow.parquet", "scipy.sparse", "skops.io"),
    *(f"sklearn.{family}" for family in _FAMILIES),
)


def preload() -> None:
    """Import what this environment holds of it. What cannot be imported is left to whoever needs it and can say so."""
    for name in (*_OURS, *_LIBRARIES):
        with contextlib.suppress(Exception):
            import_module(name)
