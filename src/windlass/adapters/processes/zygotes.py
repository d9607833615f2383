"""Children of processes that have loaded an environment's libraries already (`windlass.serving.zygote`).

There is one zygote for each environment in a folder of sockets. It is started when it is first wanted, and belongs to
nobody: whoever comes later finds it by its path, and without its path, or without questions, it ends. Where it cannot
help, for whatever reason, the caller starts its process the long way, which is only slower.
"""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from windlass.adapters.processes import families
from windlass.adapters.processes.detached import Detached, Launch, launch
from windlass.adapters.processes.listeners import listen
from windlass.adapters.world import files
from windlass.kernel.digests import digest_of_value, hex_of
from windlass.kernel.errors import Unavailable, clip
from windlass.ports.environments import Environment

ANSWER_SECONDS_MAX = 60.0  # a zygote may be asked while it still imports
_NAME_HEX = 16
_MODULE = "windlass.serving.zygote"
_PASSED_ON = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "TZ",
)  # no secret of ours reaches a model


@dataclass(frozen=True, slots=True)
class Fork:
    """What a child runs and gets. `descriptors` are passed under the numbers of `numbers`. A detached child outlives
    whoever asked; every other one ends with the connection."""

    module: str
    arguments: Sequence[str]
    folder: str
    env: Mapping[str, str]
    descriptors: Sequence[int]
    numbers: Sequence[int]
    is_detached: bool = False


@dataclass(frozen=True, slots=True)
class Forked:
    """A child, its keeper (0: it has none), and the connection on which the keeper says how it ended."""

    pid: int
    keeper: int
    connection: socket.socket


class CannotFork(Exception):
    """No child was made; the words say why."""


class Zygotes:
    """The zygotes of one folder, which must be short and private.

    Args:
        folder: where their sockets lie.
        log: where they say what goes wrong while they import.
        preload: the module that loads the libraries, by its import or in its `preload()`.
    """

    def __init__(self, folder: str, log: str, preload: str = "windlass.serving.preload") -> None:
        self._folder = folder
        self._log = log
        self._preload = preload

    def wake(self, environment: Environment) -> str:
        """The path of this environment's zygote, which is started if none listens there; it may be importing still.
        Empty where nothing can fork safely (no /proc), or where it cannot be started.
        """
        if not families.HAS_PROC:
            return ""
        path = self._path(environment)
        try:
            files.make_folder(self._folder)
            with _alone(f"{path[:-5]}.lock"):
                if not _listens(path):
                    self._start(environment, path)
        except (Unavailable, OSError):
            return ""
        return path

    def awake(self, environment: Environment) -> str:
        """The path of this environment's zygote, if one listens there; else empty."""
        path = self._path(environment)
        return path if families.HAS_PROC and _listens(path) else ""

    def _path(self, environment: Environment) -> str:
        mark = digest_of_value([environment.digest, environment.python, environment.overlay])
        return f"{self._folder}/{hex_of(mark)[:_NAME_HEX]}.sock"

    def _start(self, environment: Environment, path: str) -> None:
        listener = listen(path)
        with listener:
            arguments = ("--fd", str(listener.fileno()), "--path", path, "--preload", self._preload)
            argv = environment.argv(_MODULE, *arguments)
            launch(Launch(argv, self._folder, variables(environment), self._log, (listener.fileno(),)))


def variables(environment: Environment) -> dict[str, str]:
    """What a process of ours sees that serves in this environment, and what zygotes see."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    path = f"{os.path.dirname(environment.python)}{os.pathsep}{os.defpath}"
    return {"PATH": path, **passed_on, "PYTHONUNBUFFERED": "1"}


def fork(path: str, order: Fork) -> Forked:
    """Ask the zygote at a path for a child.

    Raises:
        CannotFork: there is none, it is not safe, or it does not answer.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(ANSWER_SECONDS_MAX)
        connection.connect(path)
        line = _line(order)
        rest = line[socket.send_fds(connection, [line], list(order.descriptors)) :]
        if rest:
            connection.sendall(rest)
        said = read_line(connection)
    except (OSError, ValueError) as error:
        connection.close()
        raise CannotFork(f"no zygote answers: {clip(str(error))}") from None
    if "pid" not in said:
        connection.close()
        raise CannotFork(str(said.get("refused", "it said nothing")))
    connection.settimeout(None)
    return Forked(int(said["pid"]), int(said.get("keeper", 0)), connection)


def fork_detached(path: str, order: Fork) -> Detached:
    """Ask for a child that lives by itself.

    Raises:
        CannotFork: see `fork`.
    """
    forked = fork(path, order)
    forked.connection.close()
    member = families.member_of(forked.pid)
    return Detached(forked.pid, member.started if member else "")


def read_line(connection: socket.socket) -> dict[str, Any]:
    """The next line that a zygote or a keeper says; empty when it has gone.

    Raises:
        ValueError: it is no JSON object.
        OSError: nothing came in time.
    """
    data = b""
    while not data.endswith(b"\n"):
        piece = connection.recv(1)  # a line at a time: the next one is read by whoever waits for it
        if not piece:
            return {}
        data += piece
    said = json.loads(data)
    if not isinstance(said, dict):
        raise ValueError("no object")
    return said


def _line(order: Fork) -> bytes:
    said = asdict(order)
    del said["descriptors"]  # they go beside the line
    return json.dumps(said).encode() + b"\n"


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """Hold a lock file, so that two who want the same zygote start one."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
