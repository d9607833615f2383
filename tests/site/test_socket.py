"""The site's own door: every answer, and the file it listens on."""

import asyncio
import contextlib
import json
import shutil
import stat
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.site.worlds import SERVICE, A, B, World, slice_of
from windlass.adapters.processes.listeners import listen
from windlass.site.socket import door, serve

ACT = {"service": SERVICE, "who": "ann", "reason": "it lies"}


async def ask(world: World, method: str, path: str, body: object = None) -> tuple[int, Any, str]:
    """Status, body and kind of an answer."""
    transport = httpx2.ASGITransport(app=door(world.agent))
    async with httpx2.AsyncClient(transport=transport, base_url="http://site") as client:
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        answer = await client.request(method, path, content=content)
        return answer.status_code, answer.json(), answer.headers["content-type"]


def test_status_and_rollback() -> None:
    """A person sees what is in force, goes back, and sees what they did."""

    async def story() -> None:
        world = World()
        await world.ready(1, slice_of("s2 a95 b5"))
        status, body, kind = await ask(world, "GET", "/status")
        assert (200, "application/json") == (status, kind)
        assert ["s2"] == [one["step"] for one in body["services"]]
        status, body, _ = await ask(world, "POST", "/rollback", ACT)
        assert (200, 1, B, A) == (status, body["entry"], body["leaves"], body["returns_to"])
        assert f"{SERVICE} leaves {'b' * 12} and returns to {'a' * 12}" == body["words"]
        _, body, _ = await ask(world, "GET", "/status")
        assert ["s2.j1"] == [one["step"] for one in body["services"]]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/", None, 404, "this socket has no GET /"),
        ("DELETE", "/status", None, 404, "this socket has no DELETE /status"),
        ("GET", "/rollback", None, 404, "this socket has no GET /rollback"),
        ("POST", "/promote", ACT, 404, "this socket has no POST /promote"),
        ("POST", "/rollback", {**ACT, "service": "churn"}, 404, "no service 'churn'"),
        ("POST", "/abort", ACT, 409, "no rollout under way"),
        ("POST", "/rollback", ACT, 409, "no release to go back to"),
        ("POST", "/rollback", {**ACT, "reason": " "}, 400, "'reason' is missing"),
        ("POST", "/rollback", {"who": 5}, 400, "'service' is missing"),
        ("POST", "/rollback", [], 400, "'service' is missing"),
        ("POST", "/rollback", b"{", 400, "the body is no JSON"),
        ("POST", "/rollback", b"[" * 60_000, 400, "the body is no JSON"),
        ("POST", "/rollback", b" " * 100_000, 400, "longer than"),
    ],
)
def test_what_is_wrong_is_said(method: str, path: str, body: object, status: int, words: str) -> None:
    """Every mistake gets a problem with its status, its words and nothing else happens."""

    async def story() -> None:
        world = World()
        await world.ready(1, slice_of("s1 a100"))
        found, problem, kind = await ask(world, method, path, body)
        assert (status, "application/problem+json") == (found, kind)
        assert status == problem["status"]
        assert words in problem["detail"]
        assert "s1 a100" == world.routes

    asyncio.run(story())


def test_down_takes_everything_down() -> None:
    """`POST /down` ends gateway and replicas, whatever its body."""

    async def story() -> None:
        world = World()
        await world.ready(1, slice_of("s1 a100"))
        status, body, _ = await ask(world, "POST", "/down")
        assert (200, "gateway and replicas are down") == (status, body["words"])
        assert not world.traffic.is_up
        before = world.clock.now()
        await world.agent.down()
        assert before == world.clock.now(), "nothing is there to wait for"

    asyncio.run(story())


def test_an_act_that_cannot_be_stored_is_unavailable() -> None:
    """A full disk is the world's fault and answered with 503 and what to do."""

    async def story() -> None:
        from windlass.adapters.simulated.world import disk_full

        world = World()
        await world.ready(1, slice_of("s2 a95 b5"))
        world.disk.fault = disk_full
        status, problem, _ = await ask(world, "POST", "/rollback", ACT)
        assert (503, "make room") == (status, problem["remedy"])

    asyncio.run(story())


async def first_answer(client: httpx2.AsyncClient) -> httpx2.Response:
    """The status, as soon as the door is open."""
    deadline = asyncio.get_running_loop().time() + 60.0
    while True:
        try:
            return await client.get("/status")
        except httpx2.ConnectError:
            assert asyncio.get_running_loop().time() < deadline, "nobody listens"
            await asyncio.sleep(0.01)


def test_the_socket_is_private_and_replaces_an_old_one() -> None:
    """The door listens at its path with mode 600, over a file that an earlier agent left, and goes with its agent."""

    async def story() -> None:
        folder = tempfile.mkdtemp(prefix="wl-")
        path = Path(folder, "site.sock")
        path.write_text("left behind")
        world = World()
        await world.ready(1, slice_of("s1 a100"))
        task = asyncio.create_task(serve(door(world.agent), listen(str(path)), str(path)))
        try:
            transport = httpx2.AsyncHTTPTransport(uds=str(path))
            async with httpx2.AsyncClient(transport=transport, base_url="http://site") as client:
                answer = await first_answer(client)
                assert (200, "local") == (answer.status_code, answer.json()["site"])
            assert 0o600 == stat.S_IMODE(path.stat().st_mode)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert not path.exists()
        shutil.rmtree(folder)

    asyncio.run(story())


def test_whoever_asks_for_something_else_than_http_gets_nothing() -> None:
    """A web socket or a server's own event is let be, without an error in the log."""

    async def story() -> None:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            raise AssertionError("nothing is read")

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        for kind in ("lifespan", "websocket"):
            await door(World().agent)({"type": kind}, receive, send)
        assert [] == sent

    asyncio.run(story())
