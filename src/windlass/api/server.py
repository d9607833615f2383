"""The server of the API: HTTP on a Unix socket that only its own account can open."""

import contextlib
import os
import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from windlass.api.principals import PeerProtocol
from windlass.kernel.errors import Unavailable

GRACE_SECONDS = 2  # long polls end with the process; an act is a stored fact by then


async def serve(app: FastAPI, path: Path) -> None:
    """Answer at a socket until cancelled."""
    config = uvicorn.Config(
        app,
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    listening = _listen(path)
    with contextlib.closing(listening):
        # `Server.serve` would take the signals for which our own process waits.
        await uvicorn.Server(config)._serve(sockets=[listening])


def _listen(path: Path) -> socket.socket:
    """A listening socket of mode 600 at a path that no other process of this home uses: we hold its lock.

    Raises:
        Unavailable: the disk is full or fails, or forbids it.
    """
    try:
        return _bound(path)
    except OSError as error:
        words, remedy = f"cannot make a socket: {error.strerror or error}", "look after the disk; it is tried again"
        raise Unavailable(words, code="no-socket", where=str(path), remedy=remedy) from error


def _bound(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    listening.listen(128)
    return listening
