"""A line between a site and its control plane that a test can cut, at the place of the control plane's socket.

Bytes of a cut direction wait, as TCP keeps them for a while, and arrive late when the line is whole again.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

PIECE_BYTES = 1 << 16


class Cut(StrEnum):
    """What no longer arrives. HALF_OPEN: the control plane's end is gone, and the site's end is not told."""

    TO_CONTROL = "to the control plane"
    TO_SITE = "to the site"
    BOTH = "both"
    HALF_OPEN = "half-open"


class Line:
    """Passes on what comes to `front`, which it makes, to the socket `back` and back again."""

    def __init__(self, front: Path, back: Path) -> None:
        self._back = back
        self._upward, self._downward = threading.Event(), threading.Event()
        self._lost = threading.Event()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._front = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._front.bind(str(front))
        self._front.listen(64)
        self._mend()
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def cut(self, what: Cut) -> Iterator[None]:
        """Let nothing through while the block lasts."""
        if what is Cut.HALF_OPEN:
            self._lost.set()
            for _, back in self._pairs:
                _end(back)
        if what in (Cut.TO_CONTROL, Cut.BOTH):
            self._upward.clear()
        if what in (Cut.TO_SITE, Cut.BOTH):
            self._downward.clear()
        try:
            yield
        finally:
            self._mend()

    def close(self) -> None:
        """Let go of everything."""
        _close(self._front)
        self._lost.set()
        self._mend()

    def _mend(self) -> None:
        if self._lost.is_set():
            self._lost.clear()
            for pair in self._pairs:
                _close(*pair)
        self._upward.set()
        self._downward.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                front, _ = self._front.accept()
                back = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self._pairs = [*self._pairs, (front, back)]
                if not self._lost.is_set():
                    self._connect(front, back)

    def _connect(self, front: socket.socket, back: socket.socket) -> None:
        try:
            back.connect(str(self._back))
        except OSError:
            _close(front, back)
            return
        ways = (((front, back), self._upward), ((back, front), self._downward))
        both = [threading.Thread(target=self._pass_on, args=(*pair, way), daemon=True) for pair, way in ways]
        for one in both:
            one.start()
        threading.Thread(target=_close_after, args=(both, front, back), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, way: threading.Event) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                way.wait()
                target.sendall(piece)
        way.wait()
        if not self._lost.is_set():
            _end(target)


def _close_after(threads: list[threading.Thread], *sockets: socket.socket) -> None:
    for one in threads:
        one.join()
    _close(*sockets)


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        _end(one)
        one.close()


def _end(one: socket.socket) -> None:
    """The other end is told."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def line(socket_path: Path) -> Iterator[Line]:
    """A line to whoever listens at a path, for everybody who dials it from now on."""
    behind = socket_path.with_suffix(".behind")
    socket_path.rename(behind)
    found = Line(socket_path, behind)
    try:
        yield found
    finally:
        found.close()
        behind.rename(socket_path)
