"""The files that a build reads: exactly those that its key stands for, and never the holdout.

Everything else of the commit is left out, so that a build cannot depend on what does not start a new one. This keeps
the holdout from training by accident, not by intent: a script that knows where the repository lies can still read it.
"""

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from windlass.delivery.sources.keys import (
    LFS_POINTER_BYTES_MAX,
    LfsPointer,
    built_from,
    lfs_pointer,
    place_of,
    read_locations,
    tracked,
)
from windlass.delivery.sources.locations import below
from windlass.delivery.sources.types import ServiceSpec
from windlass.engine.jobs.types import JobPorts, JobWork
from windlass.kernel.errors import Unavailable, UserMistake, clip
from windlass.ports.git import TreeEntry


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What the planner asks: the service as one commit wants it. `data` holds the digests in the build key of what the
    commit does not hold, by name; `fresh_env` resolves the requirements again.
    """

    repository: str
    commit: str
    folder: str
    spec: ServiceSpec
    build_key: str
    data: Mapping[str, str] = field(default_factory=dict)
    fresh_env: bool = False


@dataclass(frozen=True, slots=True)
class BuildJob:
    """One build: what is asked, where it works and what it has."""

    request: BuildRequest
    work: JobWork
    ports: JobPorts

    @property
    def spec(self) -> ServiceSpec:
        """The service as the commit wants it."""
        return self.request.spec


@dataclass(frozen=True, slots=True)
class Data:
    """One data set (or the artifact) where the build finds it, and the digest that it had."""

    path: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """`root` is the export, `service` the service's folder in it; `files` are the exported paths of the commit. `data`
    is keyed as in the file: `data.train`, `artifact`.
    """

    root: Path
    service: Path
    files: tuple[str, ...]
    data: Mapping[str, Data]


async def check_out(job: BuildJob) -> Checkout:
    """Export what the build reads, and put the data that Git does not hold where the commit would have them.

    Raises:
        UserMistake: data are missing or not those of the build key, or a file cannot be exported safely.
        Unavailable: the repository or the disk cannot be read now, or a Git LFS pointer stands in the place of a file.
    """
    request, git = job.request, job.ports.git
    entries = await git.tree(request.repository, request.commit)
    read = _read_by_build(request, entries)
    root = Path(job.work.folder) / "tree"
    without = frozenset(entry.path for entry in entries) - read
    await git.export(request.repository, request.commit, str(root), without)
    service = root / request.folder
    service.mkdir(parents=True, exist_ok=True)
    _resolve_pointers(root, sorted(read), request.repository)
    data = {}
    for name, location in read_locations(request.spec).items():
        place = place_of(location, request.folder)
        path = _fetched(name, place, request, root) if place is None or not tracked(place, entries) else root / place
        _refuse_pointers(name, path)
        data[name] = Data(path, await _digest(name, path, job.ports))
        _check_pinned(name, data[name].digest, request)
    return Checkout(root, service, tuple(sorted(read)), data)


def _check_pinned(name: str, digest: str, request: BuildRequest) -> None:
    """A release from other data would be found again under a key that says it learned from these."""
    if request.data.get(name, digest) != digest:
        remedy = "`windlass retry` builds with what lies there now"
        raise UserMistake("changed after the commit was read", code="data-changed", where=name, remedy=remedy)


async def check_unchanged(checkout: Checkout, ports: JobPorts) -> None:
    """Refuse a build whose data changed while it ran: nobody could say what it learned from.

    Raises:
        UserMistake: it names the data.
    """
    for name, data in checkout.data.items():
        if await ports.machine.digest(str(data.path)) != data.digest:
            remedy = "let the training write elsewhere, and build again with `windlass retry`"
            raise UserMistake("changed while the build ran", code="data-changed", where=name, remedy=remedy)


def local_path(repository: str, place: str) -> Path | None:
    """Where something lies that Git does not hold: an absolute place, or one in the watched working copy."""
    if place.startswith("/"):
        return Path(place)
    plain = repository.removeprefix("file://")
    return Path(plain) / place if plain.startswith("/") else None


def _read_by_build(request: BuildRequest, entries: Sequence[TreeEntry]) -> frozenset[str]:
    spec, folder = request.spec, request.folder
    read = {entry.path for entry in built_from(spec, folder, entries)}
    for location in read_locations(spec).values():
        place = place_of(location, folder)
        read |= {entry.path for entry in tracked(place, entries)} if place is not None else set()
    held_out = place_of(spec.data.holdout, folder) if spec.data.holdout else None
    return frozenset(path for path in read if held_out is None or not below(path, held_out))


def _fetched(name: str, place: str | None, request: BuildRequest, root: Path) -> Path:
    source = local_path(request.repository, place) if place is not None else None
    if place is None or source is None or not source.exists():
        what = f"{clip(place or 'the path')} is neither in the commit nor beside it"
        remedy = "commit it, or name a path of this machine"
        raise UserMistake(what, code="no-data", where=name, remedy=remedy)
    if place.startswith("/"):
        return source
    target = root / place
    target.parent.mkdir(parents=True, exist_ok=True)
    held_out = place_of(request.spec.data.holdout, request.folder) if request.spec.data.holdout else None
    for relative in _files_below(source):
        inner = f"{place}/{relative}" if relative else place
        if held_out is None or not below(inner, held_out):
            _copy_read_only(source / relative, root / inner)
    return target


def _files_below(source: Path) -> Iterator[str]:
    if source.is_file():
        yield ""
        return
    for path in sorted(source.rglob("*")):
        if path.is_file():
            yield path.relative_to(source).as_posix()


def _copy_read_only(source: Path, target: Path) -> None:
    """A copy, not a link: what the training sees stays what the digest says, and the original stays the user's."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o444)


async def _digest(name: str, path: Path, ports: JobPorts) -> str:
    digest = await ports.machine.digest(str(path))
    if digest is None:
        raise UserMistake(f"{path.name} is neither a file nor a folder", code="no-data", where=name)
    return digest


def pointer_in(path: Path) -> LfsPointer | None:
    """The Git LFS pointer that a file is; None for a file with content of its own."""
    if path.is_symlink() or path.stat().st_size >= LFS_POINTER_BYTES_MAX:
        return None
    return lfs_pointer(path.read_bytes())


def pointer_trouble(where: str, local: Path | None) -> Unavailable:
    """The error for a pointer whose file is not at hand; `local` is where a working copy would have it."""
    what = "is a Git LFS pointer, and the working copy does not hold the file that it stands for"
    remedy = "run `git lfs pull` in the watched folder" if local is not None else "watch a clone that holds it"
    return Unavailable(what, code="lfs", where=where, remedy=remedy)


def _refuse_pointers(name: str, path: Path) -> None:
    """Data beside the commit may lie in another clone, whose large files were never fetched."""
    for relative in _files_below(path):
        if path.joinpath(relative).exists() and pointer_in(path / relative) is not None:
            what = f"{clip(relative or path.name)} is a Git LFS pointer, not the file that it stands for"
            remedy = "run `git lfs pull` where it lies, then `windlass retry`"
            raise Unavailable(what, code="lfs", where=name, remedy=remedy)


def _resolve_pointers(root: Path, files: Sequence[str], repository: str) -> None:
    """Put the real files where Git holds Large File Storage pointers."""
    for name in files:
        path = root / name
        pointer = pointer_in(path)
        if pointer is None:
            continue
        source = local_path(repository, name)
        if source is None or not source.is_file() or _sha256(source) != pointer.sha256:
            raise pointer_trouble(name, source)
        shutil.copyfile(source, path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
