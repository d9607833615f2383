"""The site's own door: a Unix socket for the person at the machine, which works when nothing else does.

Plain ASGI without a framework, because this door must open when everything heavier is broken.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from windlass.kernel.errors import Refused, Unavailable, UserMistake, WindlassError
from windlass.site.acts import VERBS, Asked
from windlass.site.agent import Agent

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Door = Callable[[Message, Receive, Send], Awaitable[None]]

BODY_BYTES_MAX = 1 << 16
_FIELDS = ("service", "who", "reason")


def door(agent: Agent) -> Door:
    """The ASGI application over an agent."""

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            status, body = await _answer(agent, scope["method"], scope["path"], receive)
        except WindlassError as error:
            status, body = _status_of(error), _problem(error, _status_of(error))
        kind = "application/json" if status < 400 else "application/problem+json"
        headers = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body, ensure_ascii=False).encode()})

    return answer


async def serve(app: Door, listener: socket.socket, path: str) -> None:
    """Answer on the socket that listens at a path until cancelled; the path goes then."""
    import uvicorn  # only where a door is opened: status and tests of the agent need none

    class Server(uvicorn.Server):
        """Leaves signals to the process it runs in."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    with listener:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2)
        try:
            await Server(config).serve(sockets=[listener])
        except asyncio.CancelledError:
            os.unlink(path)
            raise


async def _answer(agent: Agent, method: str, path: str, receive: Receive) -> tuple[int, Any]:
    if (method, path) == ("GET", "/status"):
        return 200, agent.status()
    verb = path.removeprefix("/")
    if method != "POST" or verb not in (*VERBS, "down"):
        remedy = f"use GET /status or POST /{', /'.join((*VERBS, 'down'))}"
        raise UserMistake(f"this socket has no {method} {path}", code="no-such-page", remedy=remedy)
    body = await _body(receive, () if verb == "down" else _FIELDS)
    if verb == "down":
        await agent.down()
        return 200, {"words": "gateway and replicas are down"}
    return 200, await agent.act(Asked(verb, *(body[name] for name in _FIELDS)))


async def _body(receive: Receive, fields: tuple[str, ...]) -> dict[str, str]:
    data = b""
    while True:
        message = await receive()
        data += message.get("body", b"")
        if len(data) > BODY_BYTES_MAX:
            raise UserMistake(f"the body is longer than {BODY_BYTES_MAX} bytes", code="body-too-long")
        if not message.get("more_body"):
            break
    try:
        found = json.loads(data) if data else {}
    except (ValueError, RecursionError) as error:
        raise UserMistake("the body is no JSON", code="bad-body") from error
    for name in fields:
        if not isinstance(found, dict) or not isinstance(found.get(name), str) or not found[name].strip():
            raise UserMistake(f"{name!r} is missing", code="bad-body", remedy=f"send {', '.join(fields)} as texts")
    return {name: found[name] for name in fields}


def _status_of(error: WindlassError) -> int:
    if error.code in ("no-such-service", "no-such-page"):
        return 404
    if isinstance(error, UserMistake):
        return 400
    if isinstance(error, Refused):
        return 409
    return 503 if isinstance(error, Unavailable) else 500


def _problem(error: WindlassError, status: int) -> dict[str, Any]:
    title = error.code.replace("-", " ").capitalize()
    problem = {"type": f"/problems/{error.code}", "title": title, "status": status, "detail": error.what}
    return {**problem, "remedy": error.remedy} if error.remedy else problem
