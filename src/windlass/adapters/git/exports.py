"""A commit's files as a folder, for a build. A hostile tree writes nothing outside that folder.

Files are made anew and never through a link, and links come last. A link may climb out of its own folder and then only
go down, and must end inside the tree: then no chain of such links leads out.
"""

import os
import posixpath
import unicodedata
from collections.abc import Collection, Iterable, Iterator

import pygit2

from windlass.adapters.git.trees import LINK_BYTES_MAX, blob_bytes
from windlass.adapters.git.troubles import path_mistake
from windlass.adapters.world.files import disk_trouble
from windlass.kernel.errors import UserMistake, clip
from windlass.ports.git import TreeEntry

_MODES = {"file": 0o644, "executable": 0o755}


def export_files(repo: pygit2.Repository, entries: Iterable[TreeEntry], folder: str, repository: str) -> None:
    """Write these files of a commit into an empty folder.

    Raises:
        UserMistake: the folder is not empty, or a path cannot be accepted; then nothing was written.
        Unavailable: an object is missing, or the disk is full or fails.
    """
    ordered = sorted(entries, key=lambda entry: (entry.kind == "link", entry.path))
    _check(ordered)
    try:
        os.makedirs(folder, exist_ok=True)
        if os.listdir(folder):
            remedy = "name an empty folder, or one that does not exist"
            raise UserMistake("the folder is not empty", code="git-export", where=clip(folder), remedy=remedy)
        for entry in ordered:
            target = os.path.join(folder, entry.path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if entry.kind == "link":
                os.symlink(entry.target, target)
            else:
                data = blob_bytes(repo, pygit2.Oid(hex=entry.oid), entry.path, repository)
                _write(target, data, _MODES[entry.kind])
    except OSError as error:
        raise disk_trouble(error, folder) from error


def left_after(entries: Iterable[TreeEntry], without: Collection[str]) -> tuple[TreeEntry, ...]:
    """The entries but for the paths in `without` and all that lies below them."""
    left_out = frozenset(path.rstrip("/") for path in without)
    return tuple(entry for entry in entries if not left_out or left_out.isdisjoint(_path_and_above(entry.path)))


def _path_and_above(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts) + 1))


def _check(entries: Iterable[TreeEntry]) -> None:
    """Refuse what cannot be written safely, and the same on every file system."""
    spellings: dict[str, str] = {}
    for entry in entries:
        _check_names(entry.path)
        if entry.kind == "submodule":
            remedy = "commit its files, or leave the folder out"
            raise path_mistake(entry.path, "submodules are not fetched", remedy)
        if entry.kind == "link":
            _check_link(entry)
        _check_spelling(entry.path, spellings)


def _check_names(path: str) -> None:
    for name in path.split("/"):
        if name in ("", ".", "..") or _plain(name) == ".git":
            raise path_mistake(path, f"no file may have {name!r} in its path", "rename it")
        if not name.isprintable() or "\\" in name:
            remedy = "rename it: letters of UTF-8 without control characters and backslashes"
            raise path_mistake(path, "the path holds characters that are not safe everywhere", remedy)


def _check_link(entry: TreeEntry) -> None:
    target = entry.target
    if not target or len(target) > LINK_BYTES_MAX or "\\" in target or not target.isprintable():
        raise path_mistake(entry.path, "the link has no usable target", "commit the file itself")
    names = target.split("/")
    climbs = next((count for count, name in enumerate(names) if name not in ("..", ".")), len(names))
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), target))
    if target.startswith("/") or ".." in names[climbs:] or joined.split("/")[0] == "..":
        what = f"the link leads out of the repository: {clip(target)}"
        raise path_mistake(entry.path, what, "commit the file itself, or link to a path inside")


def _check_spelling(path: str, spellings: dict[str, str]) -> None:
    """Paths that differ in case alone are one file on some systems; a file and a folder of one name are one on all."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        folder = "/".join(parts[:count])
        if spellings.setdefault(_plain(folder), f"{folder}/") != f"{folder}/":
            raise _collision(path, spellings[_plain(folder)])
    if _plain(path) in spellings:
        raise _collision(path, spellings[_plain(path)])
    spellings[_plain(path)] = path


def _collision(path: str, other: str) -> UserMistake:
    return path_mistake(path, f"its name collides with {clip(other)}", "rename one of them")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _write(path: str, data: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
