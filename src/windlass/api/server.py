"""The server of the API: HTTP on a Unix socket that only its own account can open."""

import contextlib
import socket

import uvicorn
from fastapi import FastAPI

from windlass.api.principals import PeerProtocol

GRACE_SECONDS = 2  # long polls end with the process; an act is a stored fact by then


async def serve(app: FastAPI, listening: socket.socket) -> None:
    """Answer at a listening socket until cancelled; it is closed then."""
    config = uvicorn.Config(
        app,
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    with contextlib.closing(listening):
        # `Server.serve` would take the signals for which our own process waits.
        await uvicorn.Server(config)._serve(sockets=[listening])
