"""The child of a guard: started anew, or forked from a process that has its libraries loaded already."""

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import time
from typing import Any, Protocol

from windlass.adapters.processes import zygotes
from windlass.adapters.processes.logs import CappedLog
from windlass.adapters.processes.priority import step_aside

_PR_SET_PDEATHSIG = 1
_OUT, _ERR = 1, 2
_SESSION_SECONDS_MAX = 2.0
_GOES_FIRST = "1000"  # when the machine runs out of memory, this is what must go


class Child(Protocol):
    """A running command. `root` is the process below which all that came from it is found; `output` is the reading end
    of the pipe that it writes to."""

    pid: int
    root: int
    output: int
    exit_code: int | None

    def has_exited(self) -> bool:
        """Whether it has ended; `exit_code` says how, from then on."""
        ...


def start_child(order: dict[str, Any], log: CappedLog) -> Child:
    """Start what an order says: forked where it names a zygote that can do it, else anew.

    Raises:
        OSError: it cannot be started.
    """
    if order["zygote"]:
        try:
            return _Forked(order)
        except zygotes.CannotFork as trouble:
            log.write(f"started anew, because nothing could be forked: {trouble}\n".encode())
    return _Spawned(order)


class _Spawned:
    def __init__(self, order: dict[str, Any]) -> None:
        libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        guard = os.getpid()

        def before_exec() -> None:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            step_aside()
            if libc is None:
                return
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != guard:
                os._exit(1)
            _go_first("self")

        process = subprocess.Popen(
            order["argv"],
            cwd=order["folder"],
            env=order["env"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=before_exec,  # safe: the guard has one thread
        )
        assert process.stdout is not None
        self.output = os.dup(process.stdout.fileno())
        process.stdout.close()
        self._process = process
        self.pid = process.pid
        self.root = guard
        self.exit_code: int | None = None

    def has_exited(self) -> bool:
        """Reap what has ended, the command itself and orphans that the guard adopted."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == self.pid:
                self.exit_code = self._process.returncode = os.waitstatus_to_exitcode(status)
        return self.exit_code is not None


class _Forked:
    """Its keeper adopts its orphans, ends what is left, and says how it ended."""

    def __init__(self, order: dict[str, Any]) -> None:
        module, *arguments = order["module"]
        self.output, inner = os.pipe()
        wanted = zygotes.Fork(module, arguments, order["folder"], order["env"], (inner, inner), (_OUT, _ERR))
        try:
            forked = zygotes.fork(order["zygote"], wanted)
        except zygotes.CannotFork:
            os.close(self.output)
            raise
        finally:
            os.close(inner)
        self.pid, self.root = forked.pid, forked.keeper
        self.exit_code: int | None = None
        self._connection = forked.connection
        _await_session(self.pid)
        step_aside(self.pid)
        _go_first(str(self.pid))
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                resource.prlimit(self.pid, resource.RLIMIT_CORE, (0, 0))

    def has_exited(self) -> bool:
        """Hear what the keeper says; a keeper that is gone has taken everything with it."""
        if self.exit_code is None and select.select([self._connection], [], [], 0)[0]:
            said: dict[str, Any] = {}
            with contextlib.suppress(OSError, ValueError):
                said = zygotes.read_line(self._connection)
            self.exit_code = int(said.get("exit", -signal.SIGKILL))
        return self.exit_code is not None


def _await_session(pid: int) -> None:
    """Wait until a fork has begun its own session: the priority of the one it was born in is not its own."""
    deadline = time.monotonic() + _SESSION_SECONDS_MAX
    with contextlib.suppress(ProcessLookupError):
        while os.getsid(pid) != pid and time.monotonic() < deadline:
            time.sleep(0.001)


def _go_first(process: str) -> None:
    with contextlib.suppress(OSError), open(f"/proc/{process}/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_GOES_FIRST)
