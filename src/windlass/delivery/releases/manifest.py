"""The manifest: which files a release consists of. The digest of its bytes is the release's name.

It is canonical JSON, so the same files always have the same name. It is also foreign text, read before anything is
written: a path in it never leaves the release's folder, and no two of its paths could meet on any file system.
"""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.digests import Digest, parse_digest
from windlass.kernel.errors import clip
from windlass.kernel.limits import TREE_FILES_MAX
from windlass.kernel.records import from_json, to_json

FORMAT = 1
MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file of a release; `path` is relative, with slashes."""

    path: str
    size: int
    digest: Digest


def write_manifest(files: Iterable[ManifestFile]) -> bytes:
    """The manifest of these files, in any order.

    Raises:
        ValueError: a path, a size or a digest cannot be accepted, or two paths collide.
    """
    ordered = sorted(files, key=lambda file: file.path)
    _check(ordered)
    return canonical_bytes({"format": FORMAT, "files": to_json(tuple(ordered))})


def read_manifest(data: bytes) -> tuple[ManifestFile, ...]:
    """The files that a manifest names, sorted by path.

    Raises:
        ValueError: it is not a manifest that `write_manifest` writes.
    """
    try:
        value = json.loads(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError("a manifest is JSON in UTF-8") from error
    if not isinstance(value, dict) or value.keys() != {"format", "files"} or not isinstance(value["files"], list):
        raise ValueError("a manifest holds exactly `format` and `files`")
    if value["format"] != FORMAT:
        raise ValueError(f"the manifest has format {clip(str(value['format']))}, this program reads {FORMAT}")
    files = tuple(from_json(ManifestFile, item) for item in value["files"])
    if write_manifest(files) != data:
        raise ValueError("the manifest is not canonical JSON with its files sorted by path")
    return files


def _check(files: list[ManifestFile]) -> None:
    if len(files) > TREE_FILES_MAX:
        raise ValueError(f"a release has at most {TREE_FILES_MAX} files, not {len(files)}")
    spellings: dict[str, str] = {_plain(MANIFEST_NAME): MANIFEST_NAME}
    for file in files:
        _check_names(file.path)
        _check_spelling(file.path, spellings)
        if file.size < 0:
            raise ValueError(f"{clip(file.path)}: the size is negative")
        parse_digest(file.digest)


def _check_names(path: str) -> None:
    for name in path.split("/"):
        if name in ("", ".", "..") or "\\" in name or not name.isprintable():
            raise ValueError(f"{clip(path)!r} is not a path inside a release")


def _check_spelling(path: str, spellings: dict[str, str]) -> None:
    """Refuse a path that is there already, that differs in case alone, or that is both a file and a folder."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        folder = "/".join(parts[:count])
        if spellings.setdefault(_plain(folder), f"{folder}/") != f"{folder}/":
            raise ValueError(f"{clip(path)} collides with {clip(spellings[_plain(folder)])}")
    if _plain(path) in spellings:
        raise ValueError(f"{clip(path)} collides with {clip(spellings[_plain(path)])}")
    spellings[_plain(path)] = path


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
