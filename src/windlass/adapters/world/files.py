"""Small files, written so that neither a crash nor a power cut shows half of one.

A new content goes into a temporary file beside the old one, is synced, and takes the old one's name; then the folder is
synced, because a rename that the folder forgot never happened.
"""

import contextlib
import errno
import os
import secrets
import shutil

from windlass.kernel.errors import Unavailable, clip

TEMPORARY_ENDING = ".windlass-new"
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def disk_trouble(error: OSError, path: str) -> Unavailable:
    """The operating system's error as one that people can act on."""
    where = clip(path)
    if error.errno in _FULL:
        return Unavailable(
            "the disk is full", code="disk-full", where=where, remedy="free some space; it is tried again"
        )
    reason = error.strerror or str(error)
    if error.errno in _FORBIDDEN:
        remedy = "give the user who runs Windlass the right to use this path"
        return Unavailable(f"the file may not be used: {reason}", code="disk-forbidden", where=where, remedy=remedy)
    remedy = "look after the disk; it is tried again"
    return Unavailable(f"the disk failed: {reason}", code="disk-error", where=where, remedy=remedy)


def read_file(path: str) -> bytes | None:
    """The file's bytes, or None where there is no file.

    Raises:
        Unavailable: the disk fails or the file may not be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise disk_trouble(error, path) from error


def write_file(path: str, data: bytes, mode: int = 0o600) -> None:
    """Replace a file atomically and durably; missing folders are made with mode 700.

    Raises:
        Unavailable: the disk is full or fails; the old content stays, unless nothing but the sync of the folder failed.
    """
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(4)}{TEMPORARY_ENDING}")
    try:
        make_folder(folder)
        try:
            _write_synced(temporary, data, mode)
            os.replace(temporary, path)
        except BaseException:
            remove_quietly(temporary)
            raise
        sync_folder(folder)
    except OSError as error:
        raise disk_trouble(error, path) from error


def append_file(path: str, data: bytes) -> None:
    """Append durably; what could be written only in part is taken back.

    Raises:
        Unavailable: the disk is full or fails.
    """
    folder = os.path.dirname(path)
    try:
        make_folder(folder)
        if not os.path.exists(path):
            _create(path)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            size = os.fstat(handle).st_size
            try:
                _write_all(handle, data)
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)
    except OSError as error:
        raise disk_trouble(error, path) from error


def make_folder(folder: str) -> None:
    """Make a folder and those above it, mode 700, each entry durable; an existing one is left as it is."""
    if os.path.isdir(folder):
        return
    above = os.path.dirname(folder)
    if above != folder:
        make_folder(above)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise
        return
    sync_folder(above)


def sync_folder(folder: str) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: str) -> None:
    """Make a file's bytes durable."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_quietly(path: str) -> None:
    """Remove a temporary file that may not exist; what is left behind is hidden and harmless."""
    try:
        os.unlink(path)
    except OSError:
        return


def remove_tree(folder: str) -> None:
    """Remove a folder, also where a user's code took the rights away; what is gone already is no trouble."""
    with contextlib.suppress(FileNotFoundError):
        for path, names, _ in os.walk(folder):
            for name in names:
                if not os.path.islink(f"{path}/{name}"):
                    os.chmod(f"{path}/{name}", 0o700)
        shutil.rmtree(folder)


def _create(path: str) -> None:
    """An empty file whose name is durable before anything is in it: what fails here leaves no line behind."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    try:
        sync_folder(os.path.dirname(path))
    except OSError:
        remove_quietly(path)
        raise


def _write_synced(path: str, data: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.fchmod(handle, mode)
        _write_all(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    """A write may take a part only; the rest is written until all of it is there."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
