"""Where something lies: a path relative to the service's folder, an absolute path, or a URL.

Paths are cleaned once, here, so that two spellings of one place are one place, and none of them leaves the
repository unseen.
"""

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import unquote

from windlass.kernel.errors import clip

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):(.*)", re.DOTALL)
_STRAY_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_NOT_YET = frozenset({"az", "gs", "http", "https", "hf", "oci", "s3"})
_REGISTRIES = frozenset({"models", "runs"})


@dataclass(frozen=True, slots=True)
class Location:
    """Data outside the commit, as a service's file names them. `folder` is where the file lies, "" for the root; `key`
    is the path from the root of the watched folder, or the absolute path."""

    folder: str
    location: str
    key: str


def location(written: str) -> str:
    """The cleaned path that a location means.

    Raises:
        ValueError: it is no path, or a URL that cannot be read yet; the message says what to write.
    """
    if found := _SCHEME.fullmatch(written):
        return _from_url(found[1].lower(), found[2], written)
    return cleaned(written)


def _from_url(scheme: str, rest: str, written: str) -> str:
    if scheme == "file":
        return _from_file_url(rest, written)
    if scheme in _REGISTRIES:
        raise ValueError(f"{scheme}:/ references are not resolved yet; write the path of a file")
    if scheme in _NOT_YET:
        raise ValueError(f"{scheme}:// is not read yet; write a path in the repository or an absolute path")
    raise ValueError(f'"{clip(scheme)}:" is unknown; write a path in the repository or an absolute path')


def _from_file_url(rest: str, written: str) -> str:
    """The absolute path of a file URL, in which `%20` is a blank."""
    path = rest.removeprefix("//localhost") if rest.startswith("//localhost/") else rest.removeprefix("//")
    if not rest.startswith("//") or not path.startswith("/"):
        raise ValueError(f'"{clip(written)}" is no file URL; write file:///folder/name, or the path alone')
    if found := _STRAY_PERCENT.search(path):
        raise ValueError(f'"{clip(path[found.start() :])}" is no part of a URL; write %25 for a per cent sign')
    try:
        return cleaned(unquote(path, errors="strict"))
    except UnicodeDecodeError as error:
        raise ValueError(f'"{clip(written)}" is not UTF-8; write the path alone') from error


def cleaned(path: str) -> str:
    """The path without `.` parts and doubled slashes; `..` only at the front of a relative path.

    Raises:
        ValueError: it holds a control character, a backslash or a `~`, or climbs above the root.
    """
    if not path.isprintable():
        raise ValueError(f'"{clip(path)}" is not a path; write it in printable characters')
    if "\\" in path:
        raise ValueError(f'"{clip(path)}" has a backslash; write / between folders')
    if path.startswith("/") and ".." in path.split("/"):
        raise ValueError(f'"{clip(path)}" climbs with ..; write the path that it leads to')
    plain = posixpath.normpath(re.sub("^/+", "/", path))
    if plain.startswith("~"):
        raise ValueError(f'"{clip(path)}" depends on who runs Windlass; write the path out')
    if plain != plain.strip():
        raise ValueError(f'"{clip(path)}" begins or ends with a blank; take it out')
    return plain


def inside(folder: str, path: str) -> str | None:
    """A relative path as seen from the root of the repository, or None where it leaves it. "" is the root itself."""
    joined = posixpath.normpath(posixpath.join(folder or ".", path))
    if joined == ".." or joined.startswith(("../", "/")):
        return None
    return "" if joined == "." else joined


def below(path: str, folder: str) -> bool:
    """Whether a path lies in a folder, or is it. Every relative path lies in the root, "" or "."."""
    return folder in ("", ".") or path == folder or path.startswith(f"{folder}/")
