"""Acts at the site, each durable before it takes effect.

A reserve file keeps some megabytes free, so that a person's act can be stored although the disk is full.
"""

import json
import logging

from windlass.kernel.errors import Unavailable
from windlass.kernel.records import from_json, to_json
from windlass.ports.world import Disk
from windlass.site.acts import Journalled

log = logging.getLogger("windlass.site")


class Journal:
    """The journal of one site: `journal.jsonl` and its reserve."""

    def __init__(self, disk: Disk, folder: str, reserved_bytes: int) -> None:
        self._disk = disk
        self._folder = folder
        self._path = f"{folder}/journal.jsonl"
        self._reserve = f"{folder}/journal.reserve"
        self._reserved_bytes = reserved_bytes
        self.entries: tuple[Journalled, ...] = ()

    async def open(self) -> None:
        """Read what was written. A last line that a crash cut short never took effect and is passed over."""
        data = await self._disk.read(self._path) or b""
        found = []
        for line in data.split(b"\n"):
            try:
                found.append(from_json(Journalled, json.loads(line)))
            except ValueError:
                continue
        self.entries = tuple(found)

    @property
    def next_seq(self) -> int:
        """The number of the next entry."""
        return max((one.entry.seq for one in self.entries), default=0) + 1

    async def append(self, one: Journalled) -> None:
        """Store an entry; on a full disk the reserve makes room for it.

        Raises:
            Unavailable: it could not be stored; it did not take effect.
        """
        line = b"\n" + json.dumps(to_json(one)).encode() + b"\n"
        try:
            await self._disk.append(self._path, line)
        except Unavailable as error:
            log.warning("act_not_stored: %s", error)
            await self.release()
            await self._disk.append(self._path, line)
        self.entries = (*self.entries, one)

    async def release(self) -> None:
        """Give the reserve up, so that an act can be carried out now."""
        await self._disk.remove(self._reserve)

    async def reserve(self) -> None:
        """See that the reserve exists.

        Raises:
            Unavailable: the disk has no room for it.
        """
        if self._reserved_bytes and "journal.reserve" not in await self._disk.names(self._folder):
            await self._disk.write(self._reserve, bytes(self._reserved_bytes))
