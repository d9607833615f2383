"""Sending requests at a steady rate, with a record of our own: what was sent, answered, refused, failed, lost.

The clock of the schedule does not wait for answers, so a slow service meets the same load as a fast one, up to the
number of connections.
"""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CONNECTIONS_MAX = 64
ANSWER_SECONDS = 30.0
SYNTHETIC = "x-windlass-synthetic"


@dataclass(frozen=True, slots=True)
class Load:
    """What to send, where, how fast (requests per second) and how long."""

    port: int
    service: str
    rows: Sequence[Mapping[str, Any]]
    rate: float
    seconds: float

    @property
    def total(self) -> int:
        """How many requests that makes."""
        return max(1, round(self.rate * self.seconds))


@dataclass(slots=True)
class Record:
    """What became of every request: each is one of answered, refused (4xx), failed (5xx) and lost (no answer)."""

    sent: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    lost: int = 0
    releases: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    said: str = ""  # the newest refusal or failure in the gateway's words

    @property
    def ended(self) -> int:
        return self.answered + self.refused + self.failed + self.lost

    def quantile(self, p: float) -> float | None:
        """A quantile of the durations in milliseconds; None without any."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(p * len(ordered)))] if ordered else None


def send(load: Load, look: Callable[[Record], None]) -> Record:
    """Send it all; `look` is called some times a second. Interrupted, it waits for what is under way."""
    record, lock, numbers, stop = Record(), threading.Lock(), iter(range(load.total)), threading.Event()
    began = time.monotonic()
    bodies = [json.dumps(row, default=str).encode() for row in load.rows]

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", load.port, timeout=ANSWER_SECONDS)
        while not stop.is_set():
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            if stop.wait(max(0.0, began + number / load.rate - time.monotonic())):
                break
            with lock:
                record.sent += 1
            _one(connection, load.service, bodies[number % len(bodies)], record, lock)
        connection.close()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(_connections(load))]
    for worker in workers:
        worker.start()
    try:
        while any(worker.is_alive() for worker in workers):
            workers[0].join(0.2) if workers[0].is_alive() else time.sleep(0.1)
            look(record)
    finally:
        stop.set()
        for worker in workers:
            worker.join(ANSWER_SECONDS)
    return record


def _connections(load: Load) -> int:
    """Enough for answers of a third of a second each."""
    return max(2, min(CONNECTIONS_MAX, load.total, int(load.rate / 3) + 2))


def _one(
    connection: http.client.HTTPConnection, service: str, body: bytes, record: Record, lock: threading.Lock
) -> None:
    began = time.monotonic()
    try:
        connection.request("POST", f"/predict/{service}", body, {"Content-Type": "application/json", SYNTHETIC: "1"})
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        with lock:
            record.lost += 1
            record.said = f"no answer: {type(error).__name__} {error}"
        return
    with lock:
        record.milliseconds.append((time.monotonic() - began) * 1000)
        record.releases[answer.headers.get("x-windlass-release") or "none"] += 1
        if answer.status < 400:
            record.answered += 1
            return
        record.said = f"{answer.status}: {text[:300].decode(errors='replace')}"
        if answer.status < 500:
            record.refused += 1
        else:
            record.failed += 1
