"""Calls to a replica over bare sockets: requests that wait at a gate, and callers that never stop."""

import http.client
import json
import socket
import threading
from pathlib import Path
from typing import Any

from tests.serving.kit import Site, eventually

PREDICT = "/predict/clinic"
OK = b"HTTP/1.1 200 OK"

# Answers the ages; a city that is a path holds the prediction up until the file is there.
GATED = """
import os, time
class Model:
    def predict(self, rows):
        for city in rows["city"]:
            if city == "raise":
                raise ValueError("the words of the model")
            if city.startswith("/"):
                open(city + ".begun", "w").close()
                while not os.path.exists(city):
                    time.sleep(0.005)
        return rows["age"]
"""


def row(city: str = "Ulm", age: float = 1.5) -> dict[str, Any]:
    return {"age": age, "visits": 1, "city": city}


def raw(site: Site) -> socket.socket:
    """A bare connection to the replica."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(120)
    connection.connect(str(site.path))
    return connection


def head(length: str) -> bytes:
    return f"POST {PREDICT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{length}\r\n\r\n".encode()


class Held:
    """A request under way, whose prediction waits until it is let go."""

    def __init__(self, site: Site, gate: Path, headers: dict[str, str] | None = None) -> None:
        self._gate = gate
        self._connection = http.client.HTTPConnection("replica")
        self._connection.sock = raw(site)
        headers = {"content-type": "application/json"} | (headers or {})
        self._connection.request("POST", PREDICT, json.dumps(row(str(gate))), headers)

    def wait_begun(self) -> "Held":
        eventually("the prediction has begun", self._gate.with_name(self._gate.name + ".begun").exists)
        return self

    def let_go(self) -> "Held":
        self._gate.touch()
        return self

    def answer(self) -> tuple[int, Any]:
        """Status and decoded body."""
        response = self._connection.getresponse()
        body = json.loads(response.read())
        self.close()
        return response.status, body

    def close(self) -> None:
        self._connection.close()


class Callers:
    """Threads that open a connection for each request until the block ends. A connection must never be refused; one
    that is cut off is a failure unless `may_be_cut`, because a killed process takes along what it had accepted."""

    def __init__(self, site: Site, count: int, may_be_cut: bool) -> None:
        self._site = site
        self._may_be_cut = may_be_cut
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._call_all) for _ in range(count)]
        self.answers: list[bytes] = []
        self.failures: list[Exception] = []

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *ignored: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _call_all(self) -> None:
        body = json.dumps(row()).encode()
        while not self._done.is_set() and not self.failures:
            try:
                with raw(self._site) as connection:
                    try:
                        connection.sendall(head(f"content-length: {len(body)}") + body)
                        self.answers.append(connection.recv(100).split(b"\r\n")[0])
                    except ConnectionError:
                        self.answers.append(b"")
            except Exception as error:
                self.failures.append(error)
            if not self._may_be_cut and self.answers[-1:] == [b""]:
                self.failures.append(AssertionError("a connection was cut off"))

    def wait_answers(self) -> None:
        """Wait until twenty more calls were answered."""
        count = self.answers.count(OK)
        eventually("calls are answered", lambda: self.failures or self.answers.count(OK) > count + 20)
        assert [] == self.failures
