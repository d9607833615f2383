"""A load generator with a record of its own: what was sent, what was answered, by which release.

It is an open loop: requests leave at their time whether or not earlier ones were answered. Lost is what was sent
without exactly one answer. A connection that the gateway closed while idle is opened again, as every HTTP client does;
a request whose connection breaks before the answer is lost.

    python -m tools.demo.load --port 8080 --service doctor-visits --rows live.jsonl --rate 200 --record record.jsonl
"""

import argparse
import asyncio
import itertools
import json
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

ANSWER_SECONDS = 15.0  # longer than the service's own time-out: afterwards a request counts as lost


@dataclass(slots=True)
class Connection:
    """One kept connection to the gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@dataclass(slots=True)
class Load:
    """The generator: where it sends, and what became of every request."""

    port: int
    service: str
    record: TextIO
    idle: list[Connection] = field(default_factory=list)
    running: set[asyncio.Task[None]] = field(default_factory=set)
    stopping: bool = False

    async def run(self, rows: Iterator[bytes], rate: float) -> None:
        """Send at the rate until told to stop, then wait for the last answers."""
        begin = time.monotonic()
        for number in itertools.count():
            wait = begin + number / rate - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            if self.stopping:
                break
            task = asyncio.create_task(self._one(number, next(rows)))
            self.running.add(task)
            task.add_done_callback(self.running.discard)
        await asyncio.gather(*self.running)
        self.record.flush()

    async def _one(self, number: int, row: bytes) -> None:
        sent = time.time()
        status, release = 0, ""
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError):
            status, release = await asyncio.wait_for(self._exchange(number, row), ANSWER_SECONDS)
        seconds = time.time() - sent
        line = {"n": number, "at": round(sent, 3), "status": status, "release": release, "ms": round(seconds * 1000, 2)}
        self.record.write(json.dumps(line) + "\n")
        if number % 100 == 0:
            self.record.flush()

    async def _exchange(self, number: int, row: bytes) -> tuple[int, str]:
        connection = await self._connection()
        head = (
            f"POST /predict/{self.service} HTTP/1.1\r\nHost: localhost:{self.port}\r\n"
            f"Content-Type: application/json\r\nX-Request-ID: demo-{number}\r\nContent-Length: {len(row)}\r\n\r\n"
        )
        connection.writer.write(head.encode() + row)
        status, headers = await _head(connection.reader)
        await connection.reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "") == "close":
            connection.writer.close()
        else:
            self.idle.append(connection)
        return status, headers.get("x-windlass-release", "")

    async def _connection(self) -> Connection:
        while self.idle:
            connection = self.idle.pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                return connection
        return Connection(*await asyncio.open_connection("127.0.0.1", self.port))


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = text.split("\r\n")
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return int(first.split(" ")[1]), {name.strip().lower(): value.strip() for name, value in pairs}


async def _main(options: argparse.Namespace) -> None:
    rows = [line.encode() for line in options.rows.read_text().splitlines() if line]
    with options.record.open("w") as record:
        load = Load(options.port, options.service, record)

        def stop() -> None:
            load.stopping = True

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        await load.run(itertools.cycle(rows), options.rate)


def main() -> None:
    """Send until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--service", required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--record", type=Path, required=True)
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
