"""One small module per model format behind one protocol, and the table that says which format is whose.

A format's module is imported when a release of it is loaded, so that a service needs only its own runtime.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from windlass.kernel.errors import UserMistake, clip
from windlass.kernel.records import from_json
from windlass.serving.signature import Frame, Signature
from windlass.serving.tables import TableColumns

_FORMATS = {
    "onnx": "windlass.serving.runtimes.onnx",
    "skops": "windlass.serving.runtimes.sklearn",
    "pickle": "windlass.serving.runtimes.sklearn",
    "python": "windlass.serving.runtimes.python",
}


@dataclass(frozen=True, slots=True)
class RunSpec:
    """How a release is run, as `run.json` says it. `model` is a path inside the release, `target` is `module:Class`,
    `allow` holds `pickle` or names of types that skops shall trust, `env` the variables that the process was started
    with, as the file declares them."""

    format: str
    model: str = ""
    target: str = ""
    allow: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model lies: its file (or folder), and the folder of the service's code."""

    model: Path
    code: Path | None
    run: RunSpec


class Model(Protocol):
    """A loaded model."""

    def draft(self, sample: TableColumns | None) -> Signature:
        """What the model takes, from what it knows of itself and from a sample of its training rows. Outputs are there
        where the model declares them.

        Raises:
            UserMistake: the sample does not fit the model, or is needed and missing.
        """
        ...

    def predict(self, frame: Frame, signature: Signature) -> Mapping[str, Any]:
        """The outputs for a checked frame, one value (or vector) per row each."""
        ...


class Runtime(Protocol):
    """A format's module: it loads a model.

    `load` raises UserMistake or Refused with what the person can do; whatever else the model's own code raises is
    reported by the caller.
    """

    def load(self, source: Source) -> Model:
        """The model, ready to predict."""
        ...


def load(source: Source) -> Model:
    """Load a model in its own format; its code folder becomes importable first.

    Raises:
        UserMistake: the format is unknown, or loading failed; the cause is kept.
        Refused: the file would execute code and nobody allowed it.
    """
    module = _FORMATS.get(source.run.format)
    if module is None:
        what = f'"{clip(source.run.format)}" is no format'
        raise UserMistake(what, code="unknown-format", remedy=f"known are {', '.join(_FORMATS)}")
    if source.code is not None and source.code.is_dir():
        sys.path.insert(0, str(source.code))
        sys.dont_write_bytecode = True  # a release's folder holds what its manifest names, and nothing else
    runtime = cast(Runtime, import_module(module))
    try:
        return runtime.load(source)
    except ImportError as error:
        missing = error.name or str(error)
        remedy = "add it to the service's requirements, or include the file that defines it"
        what = f"loading the model needs {clip(missing)}, which this environment does not hold"
        raise UserMistake(what, code="missing-module", remedy=remedy) from error


def read_run(path: Path) -> RunSpec:
    """The run specification in a file.

    Raises:
        UserMistake: there is none, or it is not one.
    """
    try:
        return from_json(RunSpec, json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise UserMistake(f"no readable run.json: {error}", code="bad-run", where=str(path)) from error
