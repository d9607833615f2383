"""The sockets of a replica, with whatever answers there."""

import asyncio
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from windlass.adapters.processes.listeners import listen
from windlass.adapters.replicas.sockets import ask, is_alive
from windlass.kernel.errors import Unavailable, UserMistake


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A socket that answers one connection in its own way; its path."""
    folder = tempfile.mkdtemp(prefix="wl-")
    path = f"{folder}/x.ctl"
    listener = listen(path)

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            answer(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield path
    finally:
        thread.join()
        listener.close()
        shutil.rmtree(folder)


def hand_over(text: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as some:
            socket.send_fds(connection, [text], [some.fileno()])

    return answer


def test_a_replica_hands_its_socket_back() -> None:
    """Pid, readiness and the socket arrive together."""
    with answering(hand_over(b'{"pid": 5, "service": "fraud", "release": "r", "ready": true}\n')) as path:
        found = asyncio.run(ask(path))
    assert found is not None
    assert (5, True, socket.AF_UNIX) == (found.pid, found.ready, found.listener.family)
    found.listener.close()


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"pid": 5}', b'{"pid": "x", "ready": true}'])
def test_a_strange_answer_is_none(text: bytes) -> None:
    """What does not say pid and readiness is no answer, and the socket that came with it is closed."""
    with answering(hand_over(text)) as path:
        assert asyncio.run(ask(path)) is None


def test_an_answer_without_a_socket_is_none() -> None:
    """Whoever answers without handing over a socket is no replica."""
    with answering(lambda connection: connection.sendall(b'{"pid": 5, "ready": true}')) as path:
        assert asyncio.run(ask(path)) is None


def test_nobody_there_is_none() -> None:
    """A path on which nobody listens is no answer, and says nothing against the model."""
    assert asyncio.run(ask("/tmp/nobody-listens.ctl")) is None
    assert asyncio.run(is_alive("/tmp/nobody-listens.sock"))


@pytest.mark.parametrize(("status", "alive"), [(200, True), (503, False), (404, True)])
def test_a_hanging_model_says_so(status: int, alive: bool) -> None:
    """Only 503 means that a prediction hangs."""

    def answer(connection: socket.socket) -> None:
        assert connection.recv(1000).startswith(b"GET /v2/health/live ")
        connection.sendall(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode())

    with answering(answer) as path:
        assert alive == asyncio.run(is_alive(path))


def test_a_new_socket_takes_the_old_ones_place() -> None:
    """Listening again at a path, over what a crash left there, leads new connections to the new socket."""
    folder = tempfile.mkdtemp(prefix="wl-")
    path = f"{folder}/x.sock"
    listen(path).close()
    Path(f"{path}.new").touch()
    with listen(path) as listener, socket.socket(socket.AF_UNIX) as caller:
        caller.connect(path)
        listener.accept()[0].close()
        assert ["x.sock"] == [one.name for one in Path(folder).iterdir()]
    shutil.rmtree(folder)


def test_what_cannot_listen_says_why() -> None:
    """A folder that is missing and a path that is too long are told apart: one is the world's, one the person's."""
    with pytest.raises(Unavailable, match="cannot make a socket"):
        listen("/tmp/no-such-folder-here/x.sock")
    with pytest.raises(UserMistake, match="too long"):
        listen(f"/tmp/{'x' * 90}")
