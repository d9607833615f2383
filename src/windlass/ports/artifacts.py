"""The content-addressed store: what goes in comes out with the same bytes, or not at all."""

from dataclasses import dataclass
from typing import Protocol

from windlass.kernel.digests import Digest


@dataclass(frozen=True, slots=True)
class Blob:
    digest: Digest
    size_bytes: int
    stored_at: int  # instant


class Artifacts(Protocol):
    """Files by digest. A release is the digest of its manifest, which names the digests of its files."""

    async def put(self, source: bytes | str) -> Digest:
        """Store some bytes, or the file at a path; durable when it returns.

        Raises:
            Unavailable: the disk is full or fails.
        """
        ...

    async def read(self, digest: Digest) -> bytes:
        """The bytes, verified.

        Raises:
            Unavailable: they are missing or do not fit the digest; a bad copy is set aside.
        """
        ...

    async def materialise(self, release: Digest) -> str:
        """A read-only folder with the release's files, every byte verified; made once, never partly visible."""
        ...

    async def blobs(self) -> tuple[Blob, ...]:
        """Everything that is stored, sorted by digest."""
        ...

    async def remove(self, digests: frozenset[Digest]) -> int:
        """Remove blobs and the folders of releases; the bytes that became free."""
        ...
