"""Digests of data on this machine's disk, secrets, room on the disk, its Python, and time zones."""

import asyncio
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from windlass.adapters.environments.interpreters import OUR_PYTHON, PLATFORM, our_lock
from windlass.adapters.machine import references
from windlass.adapters.processes import families
from windlass.delivery.sources.types import OurPython
from windlass.kernel.digests import Digest, digest_of, digest_of_value
from windlass.kernel.errors import Unavailable
from windlass.kernel.instants import Instant

Stamp = tuple[int, int, int]


class LocalMachine:
    """Digests are remembered by inode, size and time of change, so that an unchanged file is not read twice."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._known: dict[str, tuple[Stamp, Digest]] = {}

    async def digest(self, path: str) -> Digest | None:
        """The digest of a file or folder; None where there is none.

        Raises:
            Unavailable: it cannot be read.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(None, self._digest, Path(path))
        except OSError as error:
            words = f"the data cannot be read: {error.strerror}"
            raise Unavailable(words, code="data-unreadable", where=path, remedy="check its rights") from error

    def _digest(self, path: Path) -> Digest | None:
        if path.is_dir():
            files = sorted(one for one in path.rglob("*") if one.is_file())
            return digest_of_value({str(one.relative_to(path)): self._file(one) for one in files})
        return self._file(path) if path.is_file() else None

    def _file(self, path: Path) -> Digest:
        from blake3 import blake3

        seen = path.stat()
        stamp = (seen.st_ino, seen.st_size, seen.st_mtime_ns)
        known = self._known.get(str(path))
        if known is not None and known[0] == stamp:
            return known[1]
        digest = Digest("blake3:" + blake3(max_threads=blake3.AUTO).update_mmap(path).hexdigest())
        self._known[str(path)] = (stamp, digest)
        return digest

    def python(self) -> OurPython:
        """Our own interpreter, as environments of services without requirements are made from it."""
        return OurPython(OUR_PYTHON, PLATFORM, digest_of(our_lock().encode()))

    def forks(self) -> bool:
        """Nothing forks where a process cannot count its threads beforehand."""
        return families.HAS_PROC

    async def free_share(self) -> float:
        """The free part of the home's disk, as an unprivileged account sees it."""
        usage = shutil.disk_usage(self._home)
        return usage.free / usage.total if usage.total else 0.0

    def values_of(self, env: Mapping[str, str]) -> dict[str, str]:
        """What a file's `env:` comes to here; see `Machine.values_of`."""
        return references.values_of(env)

    def zone_offset_seconds(self, zone: str, at: Instant) -> int:
        """Seconds ahead of UTC; 0 for a zone that this machine does not know."""
        try:
            offset = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone)).utcoffset()
        except (ZoneInfoNotFoundError, ValueError):
            return 0
        return round(offset.total_seconds()) if offset is not None else 0
