"""`Idempotency-Key`: a caller that does not know whether its request arrived sends it again, and gets the first answer.

A key counts for a day, for one principal and one route. Acts are known by their facts as well (`engine/commands.py`),
so that one which was asked before a restart is not carried out again. What failed on our side is not kept.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from windlass.api.principals import principal_of
from windlass.api.problems import problem
from windlass.engine.commands import KEY_SECONDS
from windlass.kernel.digests import Digest, digest_of
from windlass.kernel.instants import Instant, later

HEADER = "idempotency-key"
CHARACTERS_MAX = 200
KEPT_MAX = 10_000  # a day of seven requests a minute; beyond that the oldest are forgotten
Place = tuple[str, str, str]  # principal, path, key


@dataclass(slots=True)
class Kept:
    """The first request with a key, and its answer; no answer while it is being worked on."""

    body: Digest
    at: Instant
    answer: tuple[Message, ...] = ()


@dataclass(slots=True)
class _Recorder:
    """Passes an answer on and remembers it."""

    send: Send
    messages: list[Message] = field(default_factory=list)

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)
        await self.send(message)

    @property
    def status(self) -> int:
        return next((one["status"] for one in self.messages if one["type"] == "http.response.start"), 500)


class IdempotencyKeys:
    """Answers a repeated POST as the first one.

    Args:
        app: everything behind it.
        now: the clock.
    """

    def __init__(self, app: ASGIApp, now: Callable[[], Instant]) -> None:
        self._app = app
        self._now = now
        self._kept: dict[Place, Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope) if scope["type"] == "http" else None
        if request is None or request.method != "POST" or HEADER not in request.headers:
            await self._app(scope, receive, send)
            return
        key = request.headers[HEADER].strip().removeprefix('"').removesuffix('"')
        if not 0 < len(key) <= CHARACTERS_MAX:
            words = f"the Idempotency-Key must have 1 to {CHARACTERS_MAX} characters"
            await problem(422, "bad-key", words, instance=request.url.path)(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        await self._answer((principal_of(request).name, request.url.path, key), body, scope, send)

    async def _answer(self, place: Place, body: bytes, scope: Scope, send: Send) -> None:
        self._forget_old()
        known = self._kept.get(place)
        if known is None:
            await self._first(place, body, scope, send)
        elif known.body != digest_of(body):
            words = "this Idempotency-Key was used for another request"
            again = problem(422, "key-reused", words, instance=place[1], remedy="use a new key")
            await again(scope, _once(b""), send)
        elif not known.answer:
            words = "the first request with this Idempotency-Key is still being answered"
            again = problem(409, "key-in-use", words, instance=place[1], remedy="wait a second and ask again")
            again.headers["Retry-After"] = "1"
            await again(scope, _once(b""), send)
        else:
            for message in known.answer:
                await send(message)

    async def _first(self, place: Place, body: bytes, scope: Scope, send: Send) -> None:
        kept = self._kept[place] = Kept(digest_of(body), self._now())
        recorder = _Recorder(send)
        try:
            await self._app(scope, _once(body), recorder)
        finally:
            if recorder.status >= 500:
                self._kept.pop(place, None)
        kept.answer = tuple(recorder.messages)

    def _forget_old(self) -> None:
        oldest = later(self._now(), seconds=-KEY_SECONDS)
        gone: list[Place] = []
        for place, kept in self._kept.items():  # in the order in which they came
            if kept.at > oldest and len(self._kept) - len(gone) < KEPT_MAX:
                break
            if kept.answer:
                gone.append(place)
        for place in gone:
            del self._kept[place]


def _once(body: bytes) -> Receive:
    """The body that was read already; afterwards the caller is silent."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive
