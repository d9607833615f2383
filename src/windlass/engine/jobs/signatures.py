"""What a model takes and gives, found out by loading it in its own environment, and its answers to some rows.

The rows come from the training data. Where none are declared they come from the holdout, without its label, after the
training has ended: the training never sees them.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from windlass.delivery.sources.keys import LfsPointer, lfs_pointer, place_of
from windlass.engine.jobs.checkouts import BuildJob, Checkout, local_path, pointer_in, pointer_trouble
from windlass.engine.jobs.models import ModelFound
from windlass.engine.jobs.training import Surroundings, check_trouble, command
from windlass.kernel.errors import Unavailable, UserMistake, clip
from windlass.ports.environments import Environment
from windlass.ports.processes import Ended, ModuleCall
from windlass.ports.tables import Table

TABLE_BYTES_MAX = 256 << 20  # a larger table is neither compared with the holdout nor counted: it would fill the memory
_TABLES = (".csv", ".parquet")
HOLDOUT = "data.holdout"
_READ_BY_SERVING = (*_TABLES, ".json")
_CONVERTED = "sample-rows.json"
_INSPECT = "windlass.serving.inspect"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is inspected: the release's folder, the model in it, and how its process runs."""

    release: Path
    found: ModelFound
    environment: Environment
    seen: Surroundings


@dataclass(frozen=True, slots=True)
class Inspected:
    """The bytes of `signature.json`, and the first rows of the sample with the model's answers to them."""

    signature: bytes
    recorded: dict[str, Any]


async def check_holdout(job: BuildJob) -> None:
    """Notice before anything is trained that the holdout cannot be had. Nothing of it reaches the disk.

    Raises:
        Unavailable: a Git Large File Storage pointer stands in its place, and the file is not at hand.
    """
    await _find(HOLDOUT, job.spec.data.holdout, job)


async def fetch_holdout(job: BuildJob) -> Path | None:
    """The holdout's file, once the training has ended; None where none is declared or it is not there, as the gate
    says.

    Raises:
        Unavailable: a Git Large File Storage pointer stands in its place, and the file is not at hand.
    """
    return await fetch_file(HOLDOUT, job.spec.data.holdout, job)


async def fetch_file(field: str, location: str, job: BuildJob) -> Path | None:
    """The file that a key of `data:` names, from the commit or beside it; None where there is none.

    Raises:
        Unavailable: a Git Large File Storage pointer stands in its place, and the file is not at hand.
    """
    found = await _find(field, location, job)
    if not isinstance(found, bytes):
        return found
    target = Path(job.work.folder) / field.rpartition(".")[2] / Path(location).name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(found)
    return target


async def _find(field: str, location: str, job: BuildJob) -> Path | bytes | None:
    """The bytes that the commit holds, or the file beside it."""
    request = job.request
    place = place_of(location, request.folder) if location else None
    if place is None:
        return None
    local = local_path(request.repository, place)
    entries = {entry.path for entry in await job.ports.git.tree(request.repository, request.commit)}
    if place not in entries:
        return _beside(field, local)
    data = await job.ports.git.read(request.repository, request.commit, place)
    pointer = lfs_pointer(data)
    return data if pointer is None else _large(field, pointer, local)


def _beside(field: str, local: Path | None) -> Path | None:
    if local is None or not local.is_file():
        return None
    if pointer_in(local) is not None:
        what = f"{clip(local.name)} is a Git LFS pointer, not the file that it stands for"
        raise Unavailable(what, code="lfs", where=field, remedy="run `git lfs pull` where it lies")
    return local


def _large(field: str, pointer: LfsPointer, local: Path | None) -> Path:
    """The file that a pointer stands for, where the watched working copy holds exactly it."""
    if local is not None and local.is_file() and local.stat().st_size == pointer.size_bytes:
        with local.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == pointer.sha256:
                return local
    raise pointer_trouble(field, local)


def sample_table(checkout: Checkout, holdout: Path | None, environment: Environment, job: BuildJob) -> Path | None:
    """The table whose columns say what the model takes, in a form that the model's environment can read."""
    trained_on = checkout.data.get("data.train")
    if trained_on and trained_on.path.suffix.lower() in _READ_BY_SERVING:
        must_convert = trained_on.path.suffix.lower() == ".parquet" and not _reads_parquet(environment)
        return _as_json(trained_on.path, job) if must_convert else trained_on.path
    if holdout is not None and holdout.suffix.lower() in _TABLES:
        return _as_json(holdout, job)
    return None


async def inspect(given: Inspection, sample: Path | None, job: BuildJob) -> Inspected:
    """Load the model in its environment, and let it answer the first rows of the sample.

    Raises:
        UserMistake: the model cannot be loaded, or cannot predict the sample; the words are the model server's.
        Unavailable: it was ended for a limit.
    """
    found = given.found
    signature, recorded = (Path(job.work.folder) / name for name in ("signature.json", "sample.json"))
    (given.release / "model").mkdir(exist_ok=True)
    arguments = ["--model", found.model or "model", "--kind", found.format, "--output", str(signature)]
    is_converted = sample is not None and sample.name == _CONVERTED  # then what is no feature was left out already
    arguments += ["--record", str(recorded), "--without", "" if is_converted else ",".join(_no_features(job))]
    arguments += ["--target", found.target] if found.target else []
    arguments += ["--code", "code"] if (given.release / "code").is_dir() else []
    arguments += [word for allowed in found.allow for word in ("--allow", allowed)]
    arguments += ["--sample", str(sample)] if sample else []
    call = ModuleCall(given.environment, _INSPECT, tuple(arguments), forkable=not job.spec.env)
    ended = await job.ports.processes.run(command(call, given.seen, given.release, job))
    check_trouble("model", ended)
    if ended.exit_code:
        raise UserMistake(_last_line(ended), code="bad-model")
    return Inspected(signature.read_bytes(), json.loads(recorded.read_bytes()))


def read_small(path: Path | None, job: BuildJob) -> Table | None:
    """A table that is not too large to be held; None for everything else."""
    if path is None or path.suffix.lower() not in _TABLES or path.stat().st_size > TABLE_BYTES_MAX:
        return None
    return job.ports.tables.read(str(path))


def _as_json(source: Path, job: BuildJob) -> Path:
    """The rows of a table without what is no feature, so that no code of the model can see a held-out label."""
    without = set(_no_features(job))
    columns = {
        name: values for name, values in job.ports.tables.read(str(source)).columns.items() if name not in without
    }
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    target = Path(job.work.folder) / _CONVERTED
    target.write_text(json.dumps(rows, default=str), encoding="utf-8")
    return target


def _no_features(job: BuildJob) -> list[str]:
    data = job.spec.data
    return [name for name in (data.label, data.id, data.unit, data.time) if name]


def _reads_parquet(environment: Environment) -> bool:
    return any(line.startswith("pyarrow==") for line in environment.lock.splitlines())


def _last_line(ended: Ended) -> str:
    lines = [line for line in ended.tail.splitlines() if line.strip()]
    return clip(lines[-1]) if lines and ended.exit_code > 0 else f"loading the model failed: {ended.words}"
