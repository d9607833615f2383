"""Connections whose answers leave whole: a process that is killed has sent an answer, or nothing of it.

The gateway asks another replica where a request got no answer, but cannot once the answer's head has gone on to the
caller. Uvicorn writes head and body one after the other, so a kill between the two would cut an answer short. Answers
larger than the socket's buffer (some hundred KiB) still take several writes.
"""

import asyncio
from typing import Any, cast


def answering_whole(protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
    """The same HTTP protocol over a transport that joins what is written in one turn of the event loop."""

    class Whole(protocol):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(_Joining(cast(asyncio.Transport, transport)))

    return Whole


class _Joining:
    """A transport that writes once per turn of the event loop; everything else is the transport's own."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._waiting:
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._transport.write(data)
