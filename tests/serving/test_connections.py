"""Answers leave in one write, whichever parser reads the requests."""

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from windlass.serving.connections import answering_whole


class Recorded(asyncio.Transport):
    """A transport that keeps each write, and what happened after the last."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: Any) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.done


async def application(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"4")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    await send({"type": "http.response.body", "body": b"cd"})


async def answered(protocol: type[Any], request: bytes) -> list[bytes | str]:
    config = uvicorn.Config(application, lifespan="off", log_config=None, timeout_keep_alive=60)
    config.load()
    state = ServerState()
    made = answering_whole(protocol)(config=config, server_state=state, app_state={})  # type: ignore[call-arg]
    transport = Recorded()
    made.connection_made(transport)
    made.data_received(request)
    await asyncio.gather(*state.tasks)
    await asyncio.sleep(0)
    return transport.done


@pytest.mark.parametrize("protocol", [HttpToolsProtocol, H11Protocol])
def test_head_and_body_leave_together(protocol: type[Any]) -> None:
    """One write carries the status line, the headers and the whole body."""
    (answer,) = asyncio.run(answered(protocol, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"))
    assert isinstance(answer, bytes)
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\nabcd")


@pytest.mark.parametrize("protocol", [HttpToolsProtocol, H11Protocol])
def test_a_connection_closes_after_its_answer(protocol: type[Any]) -> None:
    """What was written before a connection is closed leaves before it."""
    answer, after = asyncio.run(answered(protocol, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))
    assert isinstance(answer, bytes) and answer.endswith(b"abcd")
    assert "closed" == after
