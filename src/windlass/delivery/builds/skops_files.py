"""A skops file in one form, so that training twice gives the same release.

skops names the parts of a model by their address in memory and stamps them with the time. Here they are counted in the
order of the schema and stamped with a fixed time; the archive is written without compression, whose result differs
between libraries. What the file means is unchanged.
"""

import io
import json
import posixpath
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from windlass.kernel.errors import UserMistake, clip
from windlass.kernel.limits import BLOB_BYTES_MAX

SCHEMA = "schema.json"
_MEMBERS_MAX = 100_000
_SCHEMA_BYTES_MAX = 100 << 20  # once read it takes some ten times as much memory
_STAMP = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP archive can hold


def canonical_skops(data: bytes) -> bytes:
    """The same model, in the form that only depends on the model.

    Raises:
        UserMistake: the bytes are no skops file, or claim to be larger than a model may be.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _members(archive)
        names = _Names(members)
        schema = names.renamed(json.loads(members.pop(SCHEMA)))
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, RuntimeError) as error:
        raise _mistake(f"it cannot be read: {clip(str(error))}") from error
    return _archive({SCHEMA: json.dumps(schema, separators=(",", ":")).encode(), **names.members()})


class _Names:
    """New names for the parts of a model, given in the order in which the schema mentions them."""

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        self._parts = parts
        self._numbers: dict[int, int] = {}
        self._files: dict[str, str] = {}

    def renamed(self, node: Any) -> Any:
        """The node with its numbers and file names replaced, as deep as it goes."""
        if isinstance(node, list):
            return [self.renamed(item) for item in node]
        if not isinstance(node, dict):
            return node
        return {key: self._value(key, value) for key, value in node.items()}

    def members(self) -> dict[str, bytes]:
        """The parts under their new names; what the schema does not mention keeps its own."""
        taken = {self._files.get(name, name): data for name, data in self._parts.items()}
        if len(taken) != len(self._parts):
            raise _mistake("two of its parts have one name")
        return taken

    def _value(self, key: str, value: Any) -> Any:
        if key == "__id__" and isinstance(value, int):
            return self._numbers.setdefault(value, len(self._numbers) + 1)
        if key == "file" and isinstance(value, str) and value in self._parts:
            ending = posixpath.splitext(value)[1]
            return self._files.setdefault(value, f"part-{len(self._files) + 1}{ending}")
        return self.renamed(value)


def _members(archive: zipfile.ZipFile) -> dict[str, bytes]:
    infos = archive.infolist()
    if len(infos) > _MEMBERS_MAX or sum(info.file_size for info in infos) > BLOB_BYTES_MAX:
        raise _mistake(f"it claims over {_MEMBERS_MAX:,} parts or {BLOB_BYTES_MAX >> 30} Gi")
    if any(info.filename == SCHEMA and info.file_size > _SCHEMA_BYTES_MAX for info in infos):
        raise _mistake(f"its {SCHEMA} claims over {_SCHEMA_BYTES_MAX >> 20} Mi")
    if len({info.filename for info in infos}) != len(infos):
        raise _mistake("two of its parts have one name")
    return {info.filename: archive.read(info) for info in infos}


def _archive(members: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _STAMP)
            info.create_system = 3  # else the operating system's own number is written
            archive.writestr(info, members[name])
    return target.getvalue()


def _mistake(what: str) -> UserMistake:
    return UserMistake(f"not a skops file: {what}", code="bad-model", remedy="write it again with skops.io.dump")
