"""Who asks. On the Unix socket the kernel says which account connected; no field of a request can say otherwise."""

import asyncio
import os
import pwd
import socket
import struct
from typing import Any

from fastapi import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from windlass.engine.commands import Principal

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred of Linux


class PeerProtocol(H11Protocol):
    """HTTP over a Unix socket whose scope's client is (account name, pid of the peer)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family == socket.AF_UNIX:
            self.client = peer_of(connection)


def peer_of(connection: Any) -> tuple[str, int]:
    """The account and process at the other end of a Unix socket."""
    if not hasattr(socket, "SO_PEERCRED"):
        return account_name(os.getuid()), 0
    pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return account_name(uid), pid


def account_name(uid: int) -> str:
    """The account's name, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def principal_of(request: Request) -> Principal:
    """The principal of a request, as the connection's other end."""
    return Principal(request.client.host if request.client is not None else account_name(os.getuid()))
