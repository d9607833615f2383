"""A release folder as something that predicts: the one place where loading, checking and predicting meet, so that the
server, the scores of a gate and the inference of a signature cannot differ."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from windlass.kernel.errors import WindlassError
from windlass.serving.answers import settle
from windlass.serving.frames import rows_of
from windlass.serving.problems import ModelFailed
from windlass.serving.runtimes import Model, Source, load, read_run
from windlass.serving.signature import DTYPES, Frame, Signature, read_signature

WARM_UP_CALLS = 5


@dataclass(frozen=True, slots=True)
class LoadedRelease:
    """A release in memory."""

    model: Model
    signature: Signature
    format: str

    def predict(self, frame: Frame) -> dict[str, np.ndarray]:
        """The settled outputs for a checked frame.

        Raises:
            ModelFailed: the model raised, or its answer does not follow the signature; the cause is kept.
        """
        outputs = run_model(self.model, frame, self.signature)
        absent = [spec.name for spec in self.signature.outputs if spec.name not in outputs]
        if absent:
            raise ModelFailed("the model left out an output of its signature", where=f'output "{absent[0]}"')
        return outputs


def load_release(folder: Path) -> LoadedRelease:
    """Load a release from its folder, which becomes the working directory: its code may read `model/...`.

    Raises:
        WindlassError: it cannot be loaded; the words say why.
    """
    folder = folder.resolve()
    run = read_run(folder / "run.json")
    signature = read_signature(folder / "signature.json")
    os.chdir(folder)
    model = folder / run.model if run.model else folder / "model"
    return LoadedRelease(load_model(Source(model, folder / "code", run)), signature, run.format)


def warm_up(release: LoadedRelease) -> None:
    """Predict some made-up rows, so that the first callers do not pay for what a library does only once.

    A Python class is left alone: its `setup()` is the place for that, and a row that nobody sent may have effects. What
    a model says to made-up rows is of no interest, an error included.
    """
    if release.format == "python":
        return
    frame = zeros(release.signature)
    for _ in range(WARM_UP_CALLS):
        with contextlib.suppress(WindlassError):
            release.predict(frame)


def zeros(signature: Signature) -> dict[str, np.ndarray]:
    """One row of zeros (or the first category, or empty text)."""
    categories = {column.name: column.categories for column in signature.columns if column.categories}
    frame = {}
    for spec in signature.inputs:
        shape = tuple(1 if length == -1 else length for length in spec.shape)
        text = categories.get(spec.name, ("",))[0]
        frame[spec.name] = np.full(shape, text if spec.datatype == "BYTES" else 0, dtype=DTYPES[spec.datatype])
    return frame


def load_model(source: Source) -> Model:
    """Load a model, with whatever its own code raises put into words.

    Raises:
        WindlassError: it cannot be loaded.
    """
    try:
        return load(source)
    except WindlassError:
        raise
    except Exception as error:
        what = f"loading the model raised {type(error).__name__}: {error}"
        raise ModelFailed(what.replace("\n", " "), where=source.model.name) from error


def run_model(model: Model, frame: Frame, signature: Signature) -> dict[str, np.ndarray]:
    """Predict and settle the outputs.

    Raises:
        ModelFailed: the model raised or answered what cannot be used; the cause is kept.
    """
    try:
        raw = model.predict(frame, signature)
    except WindlassError:
        raise
    except Exception as error:
        raise ModelFailed(f"the model raised {type(error).__name__}") from error
    return settle(raw, rows_of(frame))
