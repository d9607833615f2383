"""The two sockets of a replica: the one where it answers, and the one where it hands the first back.

The site makes the listening socket and keeps it open, so the connections of a crashed replica wait for its successor
instead of being refused.
"""

import asyncio
import json
import socket
from dataclasses import dataclass

ANSWER_SECONDS_MAX = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a replica said on its control socket, and its listening socket, which the receiver must close."""

    pid: int
    release: str
    ready: bool
    listener: socket.socket


async def ask(path: str) -> Answer | None:
    """Ask a replica on its control socket; None where it does not answer."""
    return await asyncio.to_thread(_ask_now, path)


async def is_alive(path: str) -> bool:
    """Whether a replica says that its model does not hang; no answer in time says nothing against it."""
    return await asyncio.to_thread(_is_alive_now, path)


def _ask_now(path: str) -> Answer | None:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS_MAX)
            connection.connect(path)
            data, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
    except OSError:
        return None
    if not descriptors:
        return None
    listener = socket.socket(fileno=descriptors[0])
    try:
        found = json.loads(data)
        return Answer(int(found["pid"]), str(found["release"]), bool(found["ready"]), listener)
    except (ValueError, KeyError, TypeError):
        listener.close()
        return None


def _is_alive_now(path: str) -> bool:
    request = b"GET /v2/health/live HTTP/1.1\r\nhost: site\r\nconnection: close\r\n\r\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS_MAX)
            connection.connect(path)
            connection.sendall(request)
            status = connection.recv(64).split(b" ", 2)[1:2]
    except OSError:
        return True
    return status != [b"503"]
