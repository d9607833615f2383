"""A control plane of two routes, spoken by hand."""

import asyncio
import contextlib
import json

from windlass.adapters.uplink import HttpUplink
from windlass.facts.counts import SiteReport
from windlass.kernel.records import from_json, to_json
from windlass.ports.sites import SignedPlan


class ControlPlane:
    """The two routes of the control plane, spoken by hand."""

    def __init__(self, folder: str) -> None:
        self.path = f"{folder}/api.sock"
        self.uplink = HttpUplink(self.path, "local", wait_seconds=0.1)
        self.plan: SignedPlan | None = None
        self.arrived: list[SiteReport] = []
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    def publish(self, plan: SignedPlan) -> None:
        self.plan = plan

    def reports(self) -> list[SiteReport]:
        return self.arrived

    async def cut(self) -> None:
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:])}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, answer = self._answer(head[0], headers, body)
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(answer)}\r\n\r\n".encode() + answer)
                await writer.drain()
        writer.close()

    def _answer(self, line: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if line == "GET /v1/sites/local/plan?wait=0.1 HTTP/1.1":
            if self.plan is None:
                return 204, b""
            if int(headers["if-none-match"].strip('"')) >= self.plan.generation:
                return 304, b""
            return 200, json.dumps(to_json(self.plan)).encode()
        assert line == "POST /v1/sites/local/report HTTP/1.1"
        self.arrived.append(from_json(SiteReport, json.loads(body)))
        return 200, b"{}"
