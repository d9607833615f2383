"""The artifacts port on a folder: `blobs/` holds bytes by digest, `releases/` whole releases ready to be served."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from windlass.adapters.artifacts.blobs import Blobs
from windlass.adapters.artifacts.releases import ReleaseFolders
from windlass.kernel.digests import Digest
from windlass.ports.artifacts import Blob

ResultT = TypeVar("ResultT")


class FileArtifacts:
    """Keeps blobs and releases below `folder`, which is made when it is missing.

    Several processes may use one folder: each file appears whole under its name or not at all.

    Raises:
        Unavailable: the folder cannot be made or used.
    """

    def __init__(self, folder: str) -> None:
        self._blobs = Blobs(folder)
        self._releases = ReleaseFolders(folder, self._blobs)

    async def put(self, source: bytes | str) -> Digest:
        """Store some bytes, or the file at a path; durable when it returns.

        Raises:
            Unavailable: the disk is full or fails, or the file changed meanwhile.
            UserMistake: there is no such file.
        """
        return await _in_thread(lambda: self._blobs.put(source))

    async def read(self, digest: Digest) -> bytes:
        """The bytes, verified; a bad copy is set aside."""
        return await _in_thread(lambda: self._blobs.read(digest))

    async def materialise(self, release: Digest) -> str:
        """A read-only folder with the release's files and its manifest, every byte verified; made once."""
        return await _in_thread(lambda: self._releases.materialise(release))

    async def blobs(self) -> tuple[Blob, ...]:
        """Everything that is stored, sorted by digest."""
        return await _in_thread(self._blobs.listed)

    async def remove(self, digests: frozenset[Digest]) -> int:
        """Remove blobs and the folders of releases, and what crashes left behind; the bytes that became free."""
        return await _in_thread(lambda: self._releases.remove(digests) + self._blobs.remove(digests))


async def _in_thread(work: Callable[[], ResultT]) -> ResultT:
    return await asyncio.get_running_loop().run_in_executor(None, work)
