"""Two digests part what is built from what is only policy, so that a new threshold is in force at once and a build is
never repeated for a comment.

The build key covers the service's folder and what it includes, minus documents, minus `windlass.yaml`, minus the
holdout; then the fields that a build reads, its `test:` among them, the content of the data, and what decides the
environment. Everything else in the file is policy.
"""

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from windlass.delivery.sources.locations import below, inside
from windlass.delivery.sources.pythons import (
    LOCK_FILES,
    PROJECT_FILE,
    PYTHON_FILES,
    declares_packages,
    python_version,
)
from windlass.delivery.sources.types import CommitTree, Entry, ServiceSpec
from windlass.kernel.digests import Digest, digest_of_value
from windlass.kernel.records import to_json

SPEC_NAME = "windlass.yaml"
KEY_FORMAT = 2  # grows when the key's content changes its meaning

BUILD_FIELDS = (
    *("service", "train", "artifact", "run", "pin", "model", "allow", "test"),
    *("python", "env", "include", "params"),
)
_BUILD_DATA = ("entries", "label", "id", "unit", "time")  # the builder leaves these columns out of the signature
_DOCUMENT = re.compile(r"\.(md|rst)$|(^|/)LICENSE[^/]*$")
LFS_POINTER_BYTES_MAX = 1024  # as the specification of Git LFS says; larger files need not be read
_LFS_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n"
)


@dataclass(frozen=True, slots=True)
class LfsPointer:
    """What a Git LFS pointer stands for."""

    sha256: str
    size_bytes: int


def lfs_pointer(data: bytes) -> LfsPointer | None:
    """The pointer that a file's bytes are, or None for a file with content of its own."""
    found = _LFS_POINTER.fullmatch(data) if len(data) < 1024 else None
    return LfsPointer(found[1].decode(), int(found[2])) if found else None


def policy_digest(spec: ServiceSpec) -> Digest:
    """The digest of everything in the file that is in force without a build. Line numbers are no part of it."""
    policy = to_json(spec)
    policy["gate"] = [line.text for line in spec.gate]
    for name in (*BUILD_FIELDS, "data"):
        del policy[name]
    policy["data"] = {name: value for name, value in to_json(spec.data).items() if name not in _BUILD_DATA}
    return digest_of_value(policy)


def build_digest(spec: ServiceSpec, folder: str, tree: CommitTree) -> Digest:
    """The digest of everything that a build of the service reads.

    Args:
        spec: the service.
        folder: where its file lies, "" for the root.
        tree: the commit. Data that it does not hold must be among its `data_digests`.

    Raises:
        UserMistake: no Python fits what the service's files say.
    """
    fields = to_json(spec)
    data = to_json(spec.data)
    return digest_of_value(
        {
            "format": KEY_FORMAT,
            "fields": {name: fields[name] for name in BUILD_FIELDS},
            "columns": {name: data[name] for name in _BUILD_DATA},
            "files": [_listed(entry, folder) for entry in built_from(spec, folder, tree.entries)],
            "data": {name: _content(path, folder, tree) for name, path in read_locations(spec).items()},
            "environment": _environment(spec, folder, tree),
        }
    )


def python_of(spec: ServiceSpec, folder: str, tree: CommitTree) -> str:
    """The Python minor version that the service runs on.

    Raises:
        UserMistake: the files beside the service's contradict it or each other, or ask for one out of our range.
    """
    return python_version(_python_files(folder, tree), spec.python, tree.ours.version)


def pinned_data(spec: ServiceSpec, folder: str, tree: CommitTree) -> dict[str, str]:
    """The digests in the key of what a build reads and the commit does not hold, by the name that the file gives it."""
    places = {name: place_of(location, folder) or "" for name, location in read_locations(spec).items()}
    return {name: tree.data_digests[place] for name, place in places.items() if not tracked(place, tree.entries)}


def built_from(spec: ServiceSpec, folder: str, entries: Sequence[Entry]) -> Iterator[Entry]:
    """The entries of the commit that a build reads, sorted by path."""
    holdout = inside(folder, spec.data.holdout) if spec.data.holdout else None
    for entry in own_entries(spec, folder, entries):
        is_held_out = holdout is not None and below(entry.path, holdout)
        if not is_held_out and not _DOCUMENT.search(entry.path) and posixpath.basename(entry.path) != SPEC_NAME:
            yield entry


def own_entries(spec: ServiceSpec, folder: str, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries in the service's folder and in what it includes, each once, sorted by path."""
    parts = [folder, *(inside(folder, path) for path in spec.include)]
    found = {entry.path: entry for part in parts if part is not None for entry in tracked(part, entries)}
    return tuple(found[path] for path in sorted(found))


def read_locations(spec: ServiceSpec) -> dict[str, str]:
    """What a build reads by its location, by the key that names it: each data set but the holdout, and the artifact."""
    found = {f"data.{name}": path for name, path in sorted(spec.data.entries.items())}
    return {**found, "artifact": spec.artifact} if spec.artifact else found


def named_locations(spec: ServiceSpec) -> dict[str, str]:
    """Everything that a service's file names by its location: what a build reads, and the holdout."""
    return {**read_locations(spec), **({"data.holdout": spec.data.holdout} if spec.data.holdout else {})}


def place_of(location: str, folder: str) -> str | None:
    """A location as a path from the root of the repository, or as it is where it is absolute; None where it leaves
    it."""
    return location if location.startswith("/") else inside(folder, location)


def tracked(place: str, entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries at a path: one for a file, all below it for a folder, none where the commit does not hold it.

    `entries` are sorted by path, so that a hundred services in a large commit do not each walk through all of it.
    """
    if not place:
        return entries
    begin, end = (bisect_left(entries, bound, key=_path) for bound in (f"{place}/", f"{place}0"))  # "0" follows "/"
    at = bisect_left(entries, place, key=_path)
    is_file = at < len(entries) and entries[at].path == place
    return entries[at : at + 1] if is_file else entries[begin:end]


def _path(entry: Entry) -> str:
    return entry.path


def _listed(entry: Entry, folder: str) -> list[str]:
    return [posixpath.relpath(entry.path, folder or "."), entry.kind, entry.oid]


def _content(location: str, folder: str, tree: CommitTree) -> Any:
    place = place_of(location, folder) or ""
    entries = tracked(place, tree.entries)
    return [_listed(entry, folder) for entry in entries] if entries else tree.data_digests[place]


def _environment(spec: ServiceSpec, folder: str, tree: CommitTree) -> dict[str, str]:
    """What decides the environment beside the files: a service without packages of its own runs in ours."""
    version = python_of(spec, folder, tree)
    locks = {name for name in LOCK_FILES if tracked(posixpath.join(folder, name), tree.entries)}
    own = declares_packages(locks, _python_files(folder, tree).get(PROJECT_FILE))
    is_ours = not own and version == tree.ours.version
    return {"python": version, "platform": tree.ours.platform, "lock": tree.ours.lock if is_ours else ""}


def _python_files(folder: str, tree: CommitTree) -> dict[str, bytes]:
    paths = {name: posixpath.join(folder, name) for name in PYTHON_FILES}
    return {name: tree.files[path] for name, path in paths.items() if path in tree.files}
