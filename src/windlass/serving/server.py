"""The replica's HTTP server: a raw ASGI application on uvicorn, over a listening socket that outlives the process."""

import asyncio
import logging
import re
import signal
import socket
import types
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import uvicorn

from windlass.kernel.limits import REQUEST_BODY_BYTES_MAX
from windlass.serving.connections import answering_whole
from windlass.serving.door import Call, Door, Reply, seconds_allowed, too_large
from windlass.serving.problems import ModelFailed, Rejected
from windlass.serving.worker import Overloaded, Worker

PLACES = 128  # requests that may wait for the worker: some tenths of a second; more would wait longer than callers do
BUFFERED_BYTES_MAX = 256 << 20  # bodies of all waiting requests together: four of the largest
KEEP_ALIVE_SECONDS = 7200  # longer than the gateway keeps an idle connection, so that only the gateway closes one
BODY_SECONDS_MAX = 10.0  # a body that takes longer comes from a caller that is gone or means harm
ACCEPTED_SECONDS = 0.2  # within which the gateway sends the request for which it opened a connection
HUNG_TIMEOUTS = 6  # a prediction that runs this many time limits will not come back

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger("windlass.serving")


class Application:
    """Reads a request, gives it to the worker, sends the answer. A request takes at most `timeout_seconds`."""

    def __init__(self, door: Door, timeout_seconds: float) -> None:
        self._door = door
        self._worker = Worker(PLACES)
        self._timeout_seconds = timeout_seconds
        self._body_seconds = min(timeout_seconds, BODY_SECONDS_MAX)
        self._buffered_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = headers.get("x-request-id", "")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = str(uuid.uuid4())
        try:
            call = self._door.route(scope["method"], scope["path"], request_id, headers)
            reply = await self._answer(call, receive)
        except (Rejected, ModelFailed) as error:
            reply = self._door.refuse(scope["path"], error, request_id)
        await _send(send, reply, request_id, scope["method"] == "HEAD")

    async def _answer(self, call: Call, receive: Receive) -> Reply:
        if call.path == "/v2/health/live" and self._worker.busy_seconds() > HUNG_TIMEOUTS * self._timeout_seconds:
            raise Rejected(503, "hung", "a prediction does not come back", remedy="the replica must be started again")
        if not call.is_prediction:
            return self._door.look(call)
        seconds = seconds_allowed(call.headers.get("x-request-timeout", ""), self._timeout_seconds)
        body = bytearray()
        try:
            await self._read(receive, call.headers, body)
            return await self._worker.run(lambda turn: self._door.predict(call, bytes(body), turn), seconds)
        except Overloaded:
            raise Rejected(503, "overloaded", "too many requests wait already", remedy="try again later") from None
        except TimeoutError:
            raise Rejected(504, "timeout", f"no answer within {seconds:g} s") from None
        finally:
            self._buffered_bytes -= len(body)

    async def _read(self, receive: Receive, headers: Mapping[str, str], body: bytearray) -> None:
        """Read the body into `body`, within its limits of bytes and time.

        Raises:
            Rejected: it is too large, too slow, cut off, or too much is waiting already.
        """
        if headers.get("content-length", "").isdigit() and int(headers["content-length"]) > REQUEST_BODY_BYTES_MAX:
            raise too_large()
        try:
            async with asyncio.timeout(self._body_seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Rejected(400, "cut-off", "the body ended early")
                    chunk = message.get("body", b"")
                    body += chunk
                    self._buffered_bytes += len(chunk)
                    if len(body) > REQUEST_BODY_BYTES_MAX:
                        raise too_large()
                    if self._buffered_bytes > BUFFERED_BYTES_MAX:
                        raise Overloaded
                    more = message.get("more_body", False)
        except TimeoutError:
            raise Rejected(408, "slow-body", f"the body did not arrive within {self._body_seconds:g} s") from None


async def _send(send: Send, reply: Reply, request_id: str, is_head: bool) -> None:
    headers = [
        (b"content-type", reply.media_type.encode()),
        (b"content-length", str(len(reply.body)).encode()),
        (b"x-request-id", request_id.encode()),
        *((name.encode(), value.encode()) for name, value in reply.headers),
    ]
    if reply.status in (408, 413):
        headers.append((b"connection", b"close"))  # the rest of the body is still under way
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_head else reply.body})


class _Server(uvicorn.Server):
    """Stops accepting a moment before it closes what is idle: a connection just accepted still gets its answer."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await asyncio.sleep(ACCEPTED_SECONDS)
        await super().shutdown(sockets)


def serve(application: Application, listener: socket.socket, timeout_seconds: float) -> None:
    """Serve until SIGTERM or SIGINT; running requests end first, for at most `timeout_seconds`.

    The listener is closed here but never shut down: another holder goes on accepting on it.
    """
    config = uvicorn.Config(
        application,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(timeout_seconds)),
    )
    config.load()
    config.http_protocol_class = answering_whole(config.http_protocol_class)
    server = _Server(config)

    def leave(number: int, frame: types.FrameType | None) -> None:
        server.should_exit = True

    # Uvicorn raises the signal again when it is done; this handler makes that an ordinary exit.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    asyncio.run(server.serve(sockets=[listener]))
