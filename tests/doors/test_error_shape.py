"""Whatever is asked of the API, in whatever way: an error has one shape."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.doors.town import LIVE, Town
from windlass.api.app import make_app

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE")
NAMES = ("doctor-visits", "nope", "%00", "..%2F..", "a" * 300, "%F0%9F%92%A9")
BODIES: tuple[bytes, ...] = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b"{",
    b"\xff\xfe",
    b'{"reason": 1}',
    b'{"reason": "x", "who": "root"}',
    b'{"repository": "/repo", "branch": ""}',
    b'{"reason": "x", "arguments": {"to": NaN}}',
    b"[" * 100_000,
)
KEYS = {"type", "title", "status", "detail"}


def paths(app: Any) -> list[str]:
    """Every path of the application, with its parameters still in braces."""
    found = [path for path in app.openapi()["paths"] if path != "/v1/events"]  # a stream without an end
    assert {"/v1/status", "/v1/services/{service}/{verb}", "/v1/sites/{site}/plan"} <= set(found)
    return [*found, "/", "/v1", "/v2/health/ready", "/v1/services/doctor-visits"]


def requests(app: Any, method: str) -> Iterator[tuple[str, bytes]]:
    """Every path with every name, and every body where the method carries one. A good act is never asked for: nobody
    would carry it out here."""
    bodies = BODIES if method in ("POST", "PUT", "PATCH") else BODIES[:1]
    for path, body in itertools.product(paths(app), bodies):
        for name in NAMES if "{" in path else NAMES[:1]:
            target = path.replace("{verb}", name if body == b"{}" else "pause").replace("{noun}", "services")
            for parameter in ("{service}", "{name}", "{site}"):
                target = target.replace(parameter, name)
            yield target, body


@pytest.mark.parametrize("method", METHODS)
def test_every_error_has_one_shape(method: str, made: Town) -> None:
    """Over all routes, methods, names and bodies an error is a problem that says what is wrong, and never a bug."""
    made.play(*LIVE)

    async def ask() -> int:
        engine = made.world.engine
        assert engine is not None
        app = make_app(engine, lambda service, source, job: [])
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        errors = 0
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for target, body in requests(app, method):
                answer = await client.request(method, target, content=body)
                errors += answer.status_code >= 400
                check(answer, f"{method} {target} {body[:40]!r}")
        return errors

    assert made.run(ask()) > 0


def check(answer: httpx2.Response, where: str) -> None:
    """An error is a whole problem document, and none is a bug of ours. No pass answers here, which is said."""
    if answer.status_code < 400:
        return
    fits = answer.status_code < 500 or "no-answer-yet" in answer.text
    assert fits, f"{where}: {answer.status_code} {answer.text[:200]}"
    assert "application/problem+json" == answer.headers["content-type"], where
    if answer.request.method == "HEAD":
        return
    problem = json.loads(answer.content)
    assert set(problem) >= KEYS and problem["status"] == answer.status_code, f"{where}: {problem}"
    assert problem["type"].startswith("/problems/") and problem["detail"], f"{where}: {problem}"
    assert "Traceback" not in answer.text, where


def test_no_field_of_a_request_says_who_asks(made: Town) -> None:
    """A body that names a principal is refused: the kernel says who connected."""
    made.play(*LIVE)

    async def ask() -> httpx2.Response:
        engine = made.world.engine
        assert engine is not None
        transport = httpx2.ASGITransport(app=make_app(engine, lambda service, source, job: []))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/v1/services/doctor-visits/pause", json={"reason": "x", "who": "root"})

    answer = made.run(ask())
    assert (422, "/problems/invalid-body") == (answer.status_code, answer.json()["type"])
