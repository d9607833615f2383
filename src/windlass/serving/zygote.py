"""A process that has loaded an environment's libraries and forks: `python -m windlass.serving.zygote --fd N --path P`.

Whoever connects to its socket sends one JSON line and the descriptors of the child, and gets one line back with the
child's pid. A *detached* child, a replica, then lives by itself. Every other child has a keeper, a fork between the
zygote and it, which adopts whatever the child orphans (PR_SET_CHILD_SUBREAPER): when the connection ends, or the child
does, the keeper ends what is left and says the child's exit code in a second line.

A child gets its own session, variables, folder, descriptors and random state. Nothing is forked while a second thread
runs, because the child would inherit that thread's locks and not the thread; the answer then says so. The zygote lives
as long as its path leads to its socket and somebody has asked within `--idle` seconds.
"""

import argparse
import array
import contextlib
import ctypes
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from windlass.serving.commands import settle_libraries

LOOK_SECONDS = 0.2
ORDER_SECONDS = 5.0  # whoever connects and says nothing by then gets no child
ORDER_BYTES_MAX = 1 << 20
END_SECONDS_MAX = 5.0  # a process that even SIGKILL does not end hangs in the kernel; it is not waited for
_DESCRIPTORS_MAX = 8
_HIGH = 100  # received descriptors are moved out of the way of the numbers that the child wants
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_NAME_BYTES_MAX = 15


@dataclass(frozen=True, slots=True)
class Order:
    """What a child does, and what it gets: `numbers` are those under which it finds the descriptors."""

    module: str
    arguments: tuple[str, ...]
    folder: str
    env: dict[str, str]
    numbers: tuple[int, ...]
    is_detached: bool


def main() -> None:
    """Import, then fork on request; in a child, run what was ordered. Exits 0 when nobody needs it any more."""
    given = _arguments()
    settle_libraries()
    listener = socket.socket(fileno=given.fd)
    listener.set_inheritable(False)
    zygote = _Zygote(listener, given.path, given.idle)
    getattr(import_module(given.preload), "preload", lambda: None)()
    gc.collect()
    _name("zygote")
    gc.freeze()  # the children's collector leaves these objects, and the pages they share, alone
    order = zygote.serve()
    if order is None:
        os._exit(0)  # a thread that a library has left is not waited for
    sys.argv = [order.module, *order.arguments]
    runpy.run_module(order.module, run_name="__main__", alter_sys=True)


class _Zygote:
    def __init__(self, listener: socket.socket, path: str, idle_seconds: float) -> None:
        self._listener = listener
        self._path = path
        self._inode = _inode_of(path)
        self._idle_seconds = idle_seconds

    def serve(self) -> Order | None:
        """What this process is to do, when it has become a child; None when the zygote's time is over."""
        asked_at = time.monotonic()
        while self._is_reachable() and time.monotonic() < asked_at + self._idle_seconds:
            ready = select.select([self._listener], [], [], LOOK_SECONDS)[0]
            _reap()
            if not ready:
                continue
            asked_at = time.monotonic()
            connection = self._listener.accept()[0]
            order, is_over = self._answer(connection)
            if order is not None or is_over:
                return order
        return None

    def _is_reachable(self) -> bool:
        """Whether the path leads here as it did when this process began; its home may be gone before that."""
        return self._inode != 0 and _inode_of(self._path) == self._inode

    def _answer(self, connection: socket.socket) -> tuple[Order | None, bool]:
        """Fork for whoever has connected: the order, in the child alone; and whether the zygote was told to end."""
        received: list[int] = []
        order = None
        try:
            with connection:
                said = _read(connection, received)
                if said.get("end"):
                    return None, True
                order = Order(**{**said, "numbers": tuple(said["numbers"]), "arguments": tuple(said["arguments"])})
                if len(os.listdir("/proc/self/task")) > 1:
                    _say(connection, {"refused": "a library in it has started a thread"})
                    return None, False
                return (order, False) if self._fork(order, connection, received) else (None, False)
        except (OSError, ValueError, KeyError, TypeError):
            return None, False  # whoever asked has gone, or is none of ours
        finally:
            for number in received:
                with contextlib.suppress(OSError):
                    os.close(number)

    def _fork(self, order: Order, connection: socket.socket, received: list[int]) -> bool:
        """Whether this process is the child. The keeper ends in here."""
        pid = os.fork()
        if order.is_detached:
            if pid:
                _say(connection, {"pid": pid})
                return False
        elif pid:
            return False
        else:
            self._listener.close()
            pid = _keep(connection, received)
            if pid:
                os._exit(0)
        self._listener.close()
        connection.close()
        _become(order, received)
        return True


def _keep(connection: socket.socket, received: list[int]) -> int:
    """Fork the child (0 is returned there) and stay with it until it, or the one who asked, has ended."""
    os.setsid()
    _name("keeper")
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if not child:
        return 0
    while received:
        os.close(received.pop())
    status = None
    with contextlib.suppress(OSError):
        _say(connection, {"pid": child, "keeper": os.getpid()})
        watched = os.pidfd_open(child)
        # Whoever asked says nothing more: the connection becomes readable when it ends.
        if watched in select.select([connection.fileno(), watched], [], [])[0]:
            status = os.waitpid(child, 0)[1]
    _end_all()
    if status is not None:
        with contextlib.suppress(OSError):
            _say(connection, {"exit": os.waitstatus_to_exitcode(status)})
    return child


def _end_all() -> None:
    """Kill whatever is below this process, until nothing is left."""
    deadline = time.monotonic() + END_SECONDS_MAX
    while time.monotonic() < deadline:
        for pid in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        time.sleep(0.005)


def _children() -> list[int]:
    """The children of this process; what they orphan becomes a child in turn."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                text = file.read()
                if int(text[text.rfind(b")") + 2 :].split()[1]) == os.getpid():
                    found.append(int(name))
    return found


def _become(order: Order, received: list[int]) -> None:
    """Turn a fork into a process that looks as if it had been started alone."""
    os.setsid()
    _name(order.module.rpartition(".")[2])
    os.umask(0o077)
    high = [_moved(number) for number in received]
    received.clear()
    for number, wanted in zip(high, order.numbers, strict=True):
        os.dup2(number, wanted)
        os.close(number)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.environ.clear()
    os.environ.update(order.env)
    time.tzset()
    os.chdir(order.folder)
    gc.enable()
    _shuffle()


def _name(role: str) -> None:
    """Show in `top` and `ps -o comm` what a fork does: its command line stays the zygote's."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, f"windlass-{role}"[:_NAME_BYTES_MAX].encode(), 0, 0, 0)


def _moved(number: int) -> int:
    import fcntl

    moved = fcntl.fcntl(number, fcntl.F_DUPFD, _HIGH)
    os.close(number)
    return moved


def _shuffle() -> None:
    """Fresh random state. Python's own generator sees to itself; so does whatever asks the system each time."""
    if "numpy.random" in sys.modules:
        import numpy as np

        np.random.seed()
    if "tempfile" in sys.modules:
        import tempfile

        tempfile.tempdir = None  # the folder follows this process's variables


def _read(connection: socket.socket, received: list[int]) -> dict[str, Any]:
    """The order's line; its descriptors are added to `received`, which the caller closes."""
    connection.settimeout(ORDER_SECONDS)
    data = b""
    size = array.array("i").itemsize
    while not data.endswith(b"\n") and len(data) < ORDER_BYTES_MAX:
        piece, found, _, _ = connection.recvmsg(1 << 16, socket.CMSG_SPACE(_DESCRIPTORS_MAX * size))
        for level, kind, numbers in found:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                received.extend(array.array("i", numbers[: len(numbers) - len(numbers) % size]))
        if not piece:
            break
        data += piece
    connection.settimeout(None)
    said = json.loads(data)
    if not isinstance(said, dict):
        raise ValueError("an order is an object")
    return said


def _say(connection: socket.socket, words: dict[str, Any]) -> None:
    connection.sendall(json.dumps(words).encode() + b"\n")


def _reap() -> None:
    """Let go of children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _inode_of(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="windlass.serving.zygote", description="Fork from loaded libraries.")
    parser.add_argument("--fd", type=int, required=True, help="the listening Unix socket, inherited")
    parser.add_argument("--path", required=True, help="where the socket lies; the zygote ends when it is taken away")
    parser.add_argument("--idle", type=float, default=900.0, help="seconds without a question until it ends (900)")
    parser.add_argument(
        "--preload", default="windlass.serving.preload", help="the module to import, and to call if it has a preload()"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
