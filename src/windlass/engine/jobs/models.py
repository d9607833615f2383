"""From a build's output to the files of a release: which one is the model, and in which form it is kept."""

import posixpath
import shutil
from dataclasses import dataclass
from pathlib import Path

from windlass.delivery.builds.outputs import HEAD_BYTES, choose_model, format_of, is_target
from windlass.delivery.builds.skops_files import canonical_skops
from windlass.delivery.sources.locations import below, inside
from windlass.delivery.sources.types import ServiceSpec
from windlass.engine.jobs.checkouts import Checkout
from windlass.kernel.errors import UserMistake, clip
from windlass.kernel.limits import BLOB_BYTES_MAX


@dataclass(frozen=True, slots=True)
class ModelFound:
    """`model` is the path of the model inside the release (`model/x.skops`), empty where a class alone is the model."""

    format: str
    model: str
    target: str
    allow: tuple[str, ...]

    def run_json(self) -> dict[str, object]:
        """How the release is run."""
        return {"format": self.format, "model": self.model, "target": self.target, "allow": self.allow}


def needs_code(spec: ServiceSpec) -> bool:
    """Whether a release carries the service's code: for a class of its own, or types of its own in the model's file."""
    return is_target(spec.model) or bool(spec.allow)


def copy_code(spec: ServiceSpec, folder: str, checkout: Checkout, release: Path) -> None:
    """Copy the service's modules, and all that `include:` names, into the release's `code/`.

    This is done before anything of the user runs, so that the release holds what the commit holds.
    """
    included = [place for path in spec.include if (place := inside(folder, path)) is not None]
    for name in checkout.files:
        place = next((place for place in included if below(name, place)), None)
        if below(name, folder) and (name.endswith(".py") or place is not None):
            relative = posixpath.relpath(name, folder or ".")
        elif place is not None:
            relative = posixpath.relpath(name, posixpath.dirname(place) or ".")
        else:
            continue
        target = release / "code" / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkout.root / name, target)


def take_model(spec: ServiceSpec, checkout: Checkout, output: Path, release: Path) -> ModelFound:
    """Find the model and copy it into the release's `model/`.

    Raises:
        UserMistake: there is no model, or more than one, or it is larger than a release may hold.
        Refused: it is a pickle, and nobody has allowed one.
    """
    if spec.artifact:
        return _take_file(spec, checkout.data["artifact"].path, release)
    root, files = output, _files(output)
    if not files:
        root, files = checkout.service / "model", _files_beside(checkout)
    if is_target(spec.model):
        for name in files:
            _copy(root / name, release / "model" / name)
        return ModelFound("python", "", spec.model, ())
    return _take_file(spec, root / choose_model(files, spec.model), release)


def _take_file(spec: ServiceSpec, path: Path, release: Path) -> ModelFound:
    if not path.is_file():
        raise UserMistake("is no file", code="no-model", where=clip(str(path)), remedy="name the model's file")
    with path.open("rb") as file:
        kind = format_of(path.name, file.read(HEAD_BYTES), spec.allow)
    target = release / "model" / path.name
    _copy(path, target)
    if kind == "skops":
        target.write_bytes(canonical_skops(target.read_bytes()))
    allow = spec.allow if kind in ("pickle", "skops") else ()
    return ModelFound(kind, f"model/{path.name}", "", allow)


def _copy(source: Path, target: Path) -> None:
    size = source.stat().st_size
    if size > BLOB_BYTES_MAX:
        what = f"has {size / 2**30:.1f} Gi, and a file of a release has at most {BLOB_BYTES_MAX >> 30} Gi"
        raise UserMistake(what, code="too-large", where=source.name, remedy="make the model smaller")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _files(folder: Path) -> list[str]:
    """Files below a folder, relative, sorted. Links are left out: what they lead to is not the output."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _files_beside(checkout: Checkout) -> list[str]:
    """Files in `./model`, for a training that does not know WINDLASS_OUTPUT; those of the commit are not its output."""
    folder = checkout.service / "model"
    known = set(checkout.files)
    return [name for name in _files(folder) if (folder / name).relative_to(checkout.root).as_posix() not in known]
