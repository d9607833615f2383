"""Blobs in memory, and a machine without surprises."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from windlass.delivery.sources.types import OurPython
from windlass.kernel.digests import Digest, digest_of
from windlass.kernel.errors import Unavailable
from windlass.kernel.instants import Instant
from windlass.ports.artifacts import Blob
from windlass.ports.leftovers import KINDS, Leftover
from windlass.ports.world import Clock


@dataclass(slots=True)
class SimulatedArtifacts:
    """Sources are bytes only; a materialised release is a made-up path."""

    clock: Clock
    stored: dict[Digest, tuple[bytes, Instant]] = field(default_factory=dict)

    async def put(self, source: bytes | str) -> Digest:
        """Store some bytes."""
        data = source if isinstance(source, bytes) else source.encode()
        digest = digest_of(data)
        self.stored.setdefault(digest, (data, self.clock.now()))
        return digest

    async def read(self, digest: Digest) -> bytes:
        """The bytes, verified."""
        data, _ = self.stored.get(digest, (b"", Instant(0)))
        if digest_of(data) != digest:
            raise Unavailable("the bytes are missing or damaged", code="blob-missing", where=digest)
        return data

    async def materialise(self, release: Digest) -> str:
        """The folder that the release would have."""
        await self.read(release)
        return f"/releases/{release}"

    async def blobs(self) -> tuple[Blob, ...]:
        """Everything that is stored."""
        return tuple(Blob(digest, len(data), at) for digest, (data, at) in sorted(self.stored.items()))

    async def remove(self, digests: frozenset[Digest]) -> int:
        """Remove blobs; the bytes that became free."""
        return sum(len(self.stored.pop(digest)[0]) for digest in sorted(digests) if digest in self.stored)


@dataclass(slots=True)
class SimulatedMachine:
    """`data` holds the digests of files outside Git; `free` the free part of the disk."""

    data: dict[str, Digest] = field(default_factory=dict)
    free: float = 0.5

    async def digest(self, path: str) -> Digest | None:
        """The digest of some data."""
        return self.data.get(path)

    def python(self) -> OurPython:
        """The same on every machine, so that a simulation is."""
        return OurPython("3.11", "simulated", digest_of(b"our lock"))

    def forks(self) -> bool:
        """As on Linux."""
        return True

    async def free_share(self) -> float:
        """The free part of the disk."""
        return self.free

    def values_of(self, env: Mapping[str, str]) -> dict[str, str]:
        """Every text is itself: nothing in memory refers to anything."""
        return dict(env)

    def zone_offset_seconds(self, zone: str, at: Instant) -> int:
        """Every zone is UTC here."""
        return 0


@dataclass
class SimulatedLeftovers:
    """What lies around in memory. `busy` names what comes into use between the look and the removal."""

    items: tuple[Leftover, ...] = ()
    busy: frozenset[str] = frozenset()

    async def found(self, repositories: Collection[str]) -> tuple[Leftover, ...]:
        """Everything; the name of a mirror is the repository's."""
        found = (one for one in self.items if one.kind != "mirror" or one.name not in repositories)
        return tuple(sorted(found, key=lambda one: (KINDS.index(one.kind), one.name)))

    async def remove(self, leftovers: Collection[Leftover]) -> tuple[Leftover, ...]:
        """Remove these, but for what is busy."""
        gone = tuple(one for one in leftovers if one in self.items and one.name not in self.busy)
        self.items = tuple(one for one in self.items if one not in gone)
        return gone


class SimulatedSigner:
    """Signs and verifies with a digest: good enough to notice every change, quick enough for a simulated year."""

    def sign(self, payload: bytes) -> str:
        """The signature."""
        return digest_of(b"simulated key" + payload)

    def public(self) -> str:
        """The public key."""
        return "simulated"

    def verify(self, payload: bytes, signature: str) -> bool:
        """Whether the signature fits."""
        return self.sign(payload) == signature
