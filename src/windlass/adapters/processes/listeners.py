"""Listening Unix sockets at paths, made by one process and served by another."""

import contextlib
import os
import socket

from windlass.kernel.errors import Unavailable, UserMistake
from windlass.kernel.limits import SOCKET_PATH_BYTES_MAX

BACKLOG = 4096


def listen(path: str) -> socket.socket:
    """A listening socket at a path, for its user alone; the path leads to the old one until the new one listens.

    Raises:
        UserMistake: the path is too long for a socket.
        Unavailable: the folder cannot be written.
    """
    if len(path.encode()) > SOCKET_PATH_BYTES_MAX:
        remedy = f"use a folder whose sockets have paths of at most {SOCKET_PATH_BYTES_MAX} bytes"
        raise UserMistake("the path is too long for a socket", code="path-too-long", where=path, remedy=remedy)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}.new")
        found.bind(f"{path}.new")
        os.chmod(f"{path}.new", 0o600)
        found.listen(BACKLOG)
        os.replace(f"{path}.new", path)
    except OSError as error:
        found.close()
        words = f"cannot make a socket: {error.strerror or error}"
        remedy = "look after the disk; it is tried again"
        raise Unavailable(words, code="no-socket", where=path, remedy=remedy) from error
    return found
