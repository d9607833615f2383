"""A real gateway over small servers in the test's own process, and callers that miss nothing."""

import asyncio
import contextlib
import json
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import TracebackType

from windlass.adapters.traffic.envoy import EnvoySettings, EnvoyTraffic
from windlass.adapters.world import RealClock
from windlass.kernel.digests import short
from windlass.ports.traffic import Endpoints
from windlass.testing.conformance.traffic import A, B

DEADLINE_SECONDS = 60.0
RELEASES = {short(release): release for release in (A, B)}


@dataclass
class Answer:
    """What a caller got; status 0 where the connection broke."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def release(self) -> str:
        """The digest of the release that answered."""
        return RELEASES.get(self.headers.get("x-windlass-release", ""), "")


class Upstream:
    """A server on a Unix socket that answers every request with its name.

    `delay` makes it slow, `status` lets it fail, `is_deaf` lets it hang up in the middle of a request.
    """

    def __init__(self, path: str, name: str) -> None:
        self.path = path
        self.name = name
        self.delay = 0.0
        self.status = 200
        self.is_deaf = False
        self.served = 0
        self.bytes_seen = 0
        self.heads: list[str] = []
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> "Upstream":
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def close(self) -> None:
        if self._server:
            self._server.close()
        for writer in list(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self.heads.append(head)
                length = next((int(one[15:]) for one in head.split("\r\n") if one.startswith("content-length:")), 0)
                self.bytes_seen += len(await reader.readexactly(length))
                await asyncio.sleep(self.delay)
                if self.is_deaf:
                    return
                body = json.dumps({"name": self.name}).encode()
                writer.write(f"HTTP/1.1 {self.status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
                self.served += 1
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()


class Caller:
    """One caller with one connection, made again when the gateway closes it between requests."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def call(
        self, path: str, headers: dict[str, str] | None = None, body: bytes = b"", method: str = "POST"
    ) -> Answer:
        try:
            if self._writer is None:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            lines = [f"{method} {path} HTTP/1.1", "host: test", f"content-length: {len(body)}"]
            lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
            self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await self._writer.drain()
            return await self._answer()
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return Answer(0)

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None

    async def _answer(self) -> Answer:
        assert self._reader is not None
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("transfer-encoding") == "chunked":
            body = await self._chunks()
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(head[0].split(" ")[1]), headers, body)

    async def _chunks(self) -> bytes:
        assert self._reader is not None
        body = b""
        while size := int((await self._reader.readline()).strip(), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readline()
        await self._reader.readline()
        return body


class Load:
    """Callers that send for as long as the context is open, at a steady rate all together."""

    def __init__(self, port: int, path: str = "/predict/fraud", per_second: int = 200, callers: int = 8) -> None:
        self._port, self._path = port, path
        self._pause = callers / per_second
        self._callers = callers
        self._ending = False
        self._tasks: list[asyncio.Task[None]] = []
        self.answers: list[Answer] = []

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    async def __aenter__(self) -> "Load":
        self._tasks = [asyncio.create_task(self._send(number)) for number in range(self._callers)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        await asyncio.gather(*self._tasks)

    async def more(self, count: int) -> None:
        """Wait until so many more answers have come."""
        wanted = len(self.answers) + count
        await eventually(lambda: len(self.answers) >= wanted)

    async def _send(self, number: int) -> None:
        caller = Caller(self._port)
        unit = 0
        while not self._ending:
            unit += 1
            self.answers.append(await caller.call(self._path, {"x-user": f"user-{number}-{unit}"}))
            await asyncio.sleep(self._pause)
        caller.close()


class Scene:
    """A gateway in a folder of its own."""

    def __init__(self, folder: str, **more: int) -> None:
        self.folder = folder
        self.port = free_port()
        self.clock = RealClock()
        self.settings = EnvoySettings(f"{folder}/site/gateway", f"{folder}/e", self.port, **more)  # type: ignore[arg-type]
        self.traffic = EnvoyTraffic(self.settings, self.clock)
        self.upstreams: dict[tuple[str, str], Upstream] = {}
        self.caller = Caller(self.port)

    async def open(self) -> None:
        await self.traffic.start()
        for service in ("fraud", "churn"):
            for release in (A, B):
                path = f"{self.folder}/{service}-{short(release)[:2]}.sock"
                self.upstreams[(service, release)] = await Upstream(path, short(release)).start()

    async def close(self) -> None:
        self.caller.close()
        await self.traffic.stop()
        for upstream in self.upstreams.values():
            await upstream.close()

    def endpoints(self, service: str, release: str) -> Endpoints:
        return Endpoints(service, release, (self.upstreams[(service, release)].path,))

    def abandoned(self) -> str:
        return f"{self.folder}/nobody.sock"

    async def send(self, service: str, requests: int) -> dict[str, int]:
        answers = [await self.caller.call(f"/predict/{service}") for _ in range(requests)]
        found = Counter(answer.release for answer in answers if answer.status == 200)
        return dict(sorted(found.items()))

    def again(self) -> EnvoyTraffic:
        """The adapter as a restarted agent has it: a new object over the same folder."""
        self.traffic = EnvoyTraffic(self.settings, self.clock)
        return self.traffic


@contextlib.asynccontextmanager
async def envoy_scene(**more: int) -> AsyncIterator[Scene]:
    """A running gateway with two releases of two services behind it."""
    folder = tempfile.mkdtemp(prefix="wl-")
    scene = Scene(folder, **more)
    try:
        await scene.open()
        yield scene
    finally:
        await scene.close()
        shutil.rmtree(folder)


async def eventually(is_so: Callable[[], bool]) -> None:
    """Wait for a fact."""
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    while not is_so():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen"
        await asyncio.sleep(0.01)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
