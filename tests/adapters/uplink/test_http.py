"""Answers of a control plane that is not well are news, not errors."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable

import pytest

from windlass.adapters.uplink import HttpUplink
from windlass.kernel.errors import Unavailable
from windlass.testing.conformance.uplink import REPORT


async def with_answer(answer: bytes, ask: Callable[[HttpUplink], object]) -> str:
    """What an uplink raises when the control plane answers so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    folder = tempfile.mkdtemp(prefix="wl-")
    server = await asyncio.start_unix_server(serve, f"{folder}/api.sock")
    uplink = HttpUplink(f"{folder}/api.sock", "local", wait_seconds=0.1)
    try:
        with pytest.raises(Unavailable) as caught:
            await ask(uplink)  # type: ignore[misc]
        return str(caught.value)
    finally:
        await uplink.close()
        server.close()
        shutil.rmtree(folder)


def answer(status: int, body: bytes) -> bytes:
    return f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def fetch(uplink: HttpUplink) -> object:
    return uplink.fetch(0)


def report(uplink: HttpUplink) -> object:
    return uplink.report(REPORT)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (answer(500, b"boom"), "answered 500: boom"),
        (answer(200, b"{"), "no plan"),
        (answer(200, b'{"site": 1}'), "no plan"),
        (b"not http at all\r\n\r\n", "does not answer"),
        (b"", "does not answer"),
    ],
)
def test_a_strange_answer_is_no_plan(body: bytes, words: str) -> None:
    """Whatever the control plane says, the site learns that there is no new plan, and why."""
    assert words in asyncio.run(with_answer(body, fetch))


@pytest.mark.parametrize(("status", "words"), [(404, "does not know"), (422, "answered 422"), (503, "answered 503")])
def test_a_report_that_is_refused_is_not_lost_silently(status: int, words: str) -> None:
    """A report counts as handed over only when the control plane took it."""
    assert words in asyncio.run(with_answer(answer(status, b"no"), report))
