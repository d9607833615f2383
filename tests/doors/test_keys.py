"""A request that is sent again with its Idempotency-Key gets the first answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tests.doors.town import LIVE, Town
from windlass.api import keys
from windlass.api.app import make_app
from windlass.api.keys import IdempotencyKeys
from windlass.engine.commands import KEY_SECONDS
from windlass.kernel.instants import Instant

KEPT = 20  # in place of ten thousand
Ask = Callable[..., Awaitable[httpx2.Response]]
DAY = round(1000 * KEY_SECONDS)


@dataclass
class Counter:
    """An application that counts what it works on; it answers when it may, with the status that it shall."""

    status: int = 200
    count: int = 0
    now: int = DAY
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await Request(scope, receive).body()).decode()
        self.count += 1
        self.began.set()
        await self.may_answer.wait()
        if self.status == 599:
            raise ValueError("broken")
        answer = JSONResponse({"count": self.count, "body": body}, self.status, headers={"X-Count": str(self.count)})
        await answer(scope, receive, send)


def play(counter: Counter, scene: Callable[[Ask], Awaitable[None]], *, may_answer: bool = True) -> None:
    """A scene with a caller of the counter behind the keys."""

    async def run() -> None:
        if may_answer:
            counter.may_answer.set()
        app = IdempotencyKeys(counter, lambda: Instant(counter.now))
        callers = [
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=(name, 1)),
                base_url="http://localhost",
            )
            for name in ("ann", "bob")
        ]

        async def ask(body: str, key: str | None, *, who: int = 0, path: str = "/v1/gc", method: str = "POST") -> Any:
            headers = {} if key is None else {"Idempotency-Key": key}
            return await callers[who].request(method, path, content=body, headers=headers)

        async with callers[0], callers[1]:
            await scene(ask)

    asyncio.run(run())


def test_the_first_answer_comes_again() -> None:
    """The same key and body get the same answer with its headers, quoted or bare; the work is done once."""
    counter = Counter()

    async def scene(ask: Ask) -> None:
        first, again, bare = [await ask("a", key) for key in ('"k"', '"k"', "k")]
        assert {"count": 1, "body": "a"} == first.json() == again.json() == bare.json()
        assert "1" == first.headers["x-count"] == again.headers["x-count"]

    play(counter, scene)
    assert 1 == counter.count


def test_a_key_belongs_to_one_principal_and_route() -> None:
    """Somebody else's key, another route, another key and no key at all are other requests; so is one of yesterday."""
    counter = Counter()

    async def scene(ask: Ask) -> None:
        await ask("a", "k")
        await ask("a", "k", who=1)
        await ask("a", "k", path="/v1/sync")
        await ask("a", "k2")
        await ask("a", None)
        await ask("a", "k", method="PUT")
        counter.now += DAY - 1
        assert 1 == (await ask("a", "k")).json()["count"]
        counter.now += 1
        assert 7 == (await ask("b", "k")).json()["count"]

    play(counter, scene)
    assert 7 == counter.count


def test_another_body_is_refused() -> None:
    """A key that comes with another body is a mistake, and says so; a key that is none is one too."""

    async def scene(ask: Ask) -> None:
        await ask("a", "k")
        other = await ask("b", "k")
        assert (422, "/problems/key-reused", "use a new key") == (
            other.status_code,
            other.json()["type"],
            other.json()["remedy"],
        )
        assert "application/problem+json" == other.headers["content-type"]
        assert [422, 422, 200] == [(await ask("a", key)).status_code for key in ('""', "k" * 201, "k" * 200)]

    play(Counter(), scene)


def test_what_is_under_way_is_not_begun_twice() -> None:
    """While the first request is being answered a second one with its key hears that, and when to come again."""
    counter = Counter()

    async def scene(ask: Ask) -> None:
        first = asyncio.ensure_future(ask("a", "k"))
        await counter.began.wait()
        second = await ask("a", "k")
        assert (409, "/problems/key-in-use", "1") == (
            second.status_code,
            second.json()["type"],
            second.headers["retry-after"],
        )
        counter.may_answer.set()
        assert 200 == (await first).status_code == (await ask("a", "k")).status_code

    play(counter, scene, may_answer=False)
    assert 1 == counter.count


@pytest.mark.parametrize("status", [503, 599])
def test_what_failed_here_is_tried_again(status: int) -> None:
    """An answer that is not the caller's fault is not kept: the request that is sent again is worked on."""
    counter = Counter(status)

    async def scene(ask: Ask) -> None:
        try:
            await ask("a", "k")
        except ValueError:
            assert 599 == status
        counter.status = 404
        assert [404, 404] == [(await ask("a", "k")).status_code for _ in range(2)]

    play(counter, scene)
    assert 2 == counter.count


def test_the_oldest_keys_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many keys come, only so many are kept, and the newest among them."""
    monkeypatch.setattr(keys, "KEPT_MAX", KEPT)
    counter = Counter()

    async def scene(ask: Ask) -> None:
        app = IdempotencyKeys(counter, lambda: Instant(counter.now))
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for number in (*range(KEPT + 1), KEPT, 1):
                await client.post("/v1/gc", content="a", headers={"Idempotency-Key": str(number)})

    play(counter, scene)
    assert KEPT + 2 == counter.count


def test_every_post_of_the_api_takes_a_key(made: Town) -> None:
    """Watching a repository and an act answer a repeated key as before, a refusal included, and no other body."""
    made.play(*LIVE)

    async def scene() -> None:
        engine = made.world.engine
        assert engine is not None
        transport = httpx2.ASGITransport(app=make_app(engine, lambda service, source, job: []))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            watch = {"repository": "/repo", "branch": "main"}
            posts: list[tuple[str, dict[str, str], dict[str, str]]] = [
                ("/v1/repositories", watch, {**watch, "branch": "other"}),
                ("/v1/services/doctor-visits/dance", {}, {"reason": "for fun"}),
            ]
            for path, body, other in posts:
                answers = [
                    await client.post(path, json=given, headers={"Idempotency-Key": "k"})
                    for given in (body, body, other)
                ]
                assert answers[0].text == answers[1].text
                assert (422, "/problems/key-reused") == (answers[2].status_code, answers[2].json()["type"])

    made.run(scene())
