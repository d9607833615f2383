"""Small files of our own, read and written in threads so that a slow disk stops nobody else."""

import asyncio
import os
from collections.abc import Callable
from typing import TypeVar

from windlass.adapters.world import files

ResultT = TypeVar("ResultT")


class RealDisk:
    """The machine's disk."""

    async def read(self, path: str) -> bytes | None:
        """The file's bytes, or None where there is no file."""
        return await _in_thread(lambda: files.read_file(path))

    async def write(self, path: str, data: bytes) -> None:
        """Replace the file atomically and durably; a missing folder is made."""
        await _in_thread(lambda: files.write_file(path, data))

    async def append(self, path: str, data: bytes) -> None:
        """Append durably; a missing folder is made."""
        await _in_thread(lambda: files.append_file(path, data))

    async def remove(self, path: str) -> None:
        """Remove the file durably; a missing one is no error."""
        await _in_thread(lambda: _remove(path))

    async def names(self, folder: str) -> tuple[str, ...]:
        """The names in a folder, sorted, without temporary files; empty where it does not exist."""
        return await _in_thread(lambda: _names(folder))


async def _in_thread(work: Callable[[], ResultT]) -> ResultT:
    return await asyncio.get_running_loop().run_in_executor(None, work)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
        files.sync_folder(os.path.dirname(path))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise files.disk_trouble(error, path) from error


def _names(folder: str) -> tuple[str, ...]:
    try:
        found = os.listdir(folder)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise files.disk_trouble(error, folder) from error
    return tuple(sorted(name for name in found if not name.endswith(files.TEMPORARY_ENDING)))
