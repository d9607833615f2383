"""The client of the API: what the other side says becomes the error that it raised, and silence becomes Unavailable."""

import http.server
import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from windlass.kernel.errors import Bug, Refused, Unavailable, UserMistake, WindlassError
from windlass.sdk.client import Client, Request, route
from windlass.sdk.problems import error_of, problem_of

ANSWERS: dict[str, tuple[int, bytes]] = {
    "/good": (200, b'{"fine": true}'),
    "/empty": (200, b""),
    "/list": (200, b"[1]"),
    "/html": (502, b"<html>"),
    "/refused": (403, b'{"type": "/problems/frozen", "detail": "it is frozen", "remedy": "wait"}'),
    "/conflict": (409, b'{"detail": "no"}'),
    "/away": (503, b'{"type": "/problems/disk-full", "detail": "no room"}'),
    "/bug": (500, b'{"detail": "oops"}'),
    "/invalid": (422, b'{"type": "/problems/invalid-body", "detail": "no", "errors": [{"detail": "bad a"}]}'),
}


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that the test hung up is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/hang-up":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, body = ANSWERS.get(self.path, (200, json.dumps({"path": self.path}).encode()))
        self._answer(status, body)

    def do_POST(self) -> None:
        self._answer(200, self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test's output is its own."""


@pytest.fixture
def client(state: Path) -> Iterator[Client]:
    """A client of a server that answers as ANSWERS say."""
    path = state / "x.sock"
    with _Server(str(path), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Client(path)
        server.shutdown()
        thread.join()


def test_answers_come_back(client: Client) -> None:
    """A GET carries its query, a POST its body, and an empty answer is an empty object."""
    assert {"path": "/v1/x?after=3&q=a+b"} == client.get("v1", "x", after=3, q="a b")
    assert {"reason": "because"} == client.post("v1", "y", body={"reason": "because"})
    assert {} == client.get("empty")


def test_a_name_cannot_leave_its_place_in_the_path(client: Client) -> None:
    """Slashes, dots and blanks of a name stay inside one part of the path."""
    assert "/v1/services/..%2Fx%20%3Fy" == route("v1", "services", "../x ?y")
    assert {"path": "/v1/services/..%2Fx"} == client.get("v1", "services", "../x")


@pytest.mark.parametrize(
    ("page", "branch", "code", "words"),
    [
        ("refused", Refused, "frozen", "it is frozen; wait"),
        ("conflict", Refused, "http", "no"),
        ("away", Unavailable, "disk-full", "no room"),
        ("bug", Bug, "http", "oops"),
        ("invalid", UserMistake, "invalid-body", "no: bad a"),
        ("html", Bug, "bad-answer", "Windlass answered something that is not JSON (application/json)"),
        ("list", Bug, "bad-answer", "Windlass answered JSON that is no object"),
        ("hang-up", Unavailable, "broken-connection", None),
    ],
)
def test_errors_keep_their_branch(
    client: Client, page: str, branch: type[WindlassError], code: str, words: str | None
) -> None:
    """The branch, the code and the words of an error survive the way over the wire."""
    with pytest.raises(branch) as caught:
        client.get(page)
    assert (branch, code) == (type(caught.value), caught.value.code)
    assert words in (None, str(caught.value))


def test_nobody_there(state: Path) -> None:
    """A missing socket and one that nobody listens on say that Windlass does not run, and how to start it."""
    left = state / "left.sock"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(left))
    for path in (state / "missing.sock", left):
        with pytest.raises(Unavailable, match="Windlass does not run here; `windlass up`"):
            Client(path).get("x")


def test_silence_is_no_answer(state: Path) -> None:
    """Whoever accepts and says nothing is given up after the time that was allowed."""
    path = state / "mute.sock"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen(1)
        with pytest.raises(Unavailable, match="did not answer within 0 s") as caught:
            Client(path).ask(Request("/x", seconds=0.05))
    assert "no-answer" == caught.value.code


@pytest.mark.parametrize("branch", [UserMistake, Refused, Unavailable, Bug])
def test_a_problem_is_read_as_it_was_written(branch: type[WindlassError]) -> None:
    """Writing an error as a problem document and reading it gives the same error."""
    error = branch("it broke", code="some-code", where="a:1", remedy="mend it")
    document = problem_of(error)
    again = error_of(document["status"], document)
    assert (branch, str(error), "some-code") == (type(again), str(again), again.code)
