"""Runs commands of the user as processes of this machine, each under its guard."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import uuid
from collections.abc import Mapping
from typing import Any

from windlass.adapters.processes import families
from windlass.adapters.processes.zygotes import Zygotes
from windlass.kernel.errors import Unavailable
from windlass.kernel.instants import span
from windlass.kernel.limits import LOG_BYTES_MAX
from windlass.ports.environments import Environment
from windlass.ports.processes import Command, Ended, ModuleCall

JOB_MARK = "WINDLASS_JOB"  # in the environment of all processes of one job, so that they can be found whatever happens
_RUN_MARK = "WINDLASS_RUN"
_GUARD = "windlass.adapters.processes.guard"
_MEMORY_SHARE_MAX = 0.8  # the rest belongs to what serves
_CANCEL_SECONDS_MAX = 8.0
_DISK_FULL = ("No space left on device", "Disk quota exceeded")


class LocalProcesses:
    """The processes of this machine.

    Args:
        log_bytes_max: the size at which the middle of a log is cut out.
        zygotes: where calls of modules are forked from; without them every command is started anew.
    """

    def __init__(self, log_bytes_max: int = LOG_BYTES_MAX, zygotes: Zygotes | None = None) -> None:
        self._log_bytes_max = log_bytes_max
        self._zygotes = zygotes

    async def run(self, command: Command) -> Ended:
        """Run the command under a guard; see `Processes.run`."""
        mark = uuid.uuid4().hex
        memory_bytes_max = command.memory_bytes_max or int(_MEMORY_SHARE_MAX * families.machine_memory_bytes())
        call = command.argv if isinstance(command.argv, ModuleCall) else None
        zygote = await self._zygote(call) if call and call.forkable else ""
        argv = call.argv if call else command.argv
        order = {
            "argv": argv,
            "zygote": zygote,
            "module": (call.module, *call.arguments) if call else (),
            "folder": command.folder,
            "env": {**command.env, **_marks(mark)},
            "log": command.log,
            "log_bytes_max": self._log_bytes_max,
            "memory_bytes_max": memory_bytes_max,
            "seconds_max": command.seconds_max,
            "hidden": command.hidden,
        }
        guard = await _start_guard()
        try:
            answer = await _converse(guard, order)
        except asyncio.CancelledError:
            await _call_off(guard)
            families.kill(families.marked(f"{_RUN_MARK}={mark}"))
            raise
        finally:
            _close(guard)
        if answer is None:
            families.kill(families.marked(f"{_RUN_MARK}={mark}"))
            return Ended(-signal.SIGKILL, "crash", "the guard of the command was killed, so the command was ended")
        return _ended(command, memory_bytes_max, answer)

    async def _zygote(self, call: ModuleCall) -> str:
        return await asyncio.to_thread(self._zygotes.wake, call.environment) if self._zygotes else ""

    async def warm(self, environment: Environment) -> None:
        """Start the environment's zygote, which imports while something else is done; see `Processes.warm`."""
        if self._zygotes:
            await asyncio.to_thread(self._zygotes.wake, environment)


def _marks(mark: str) -> dict[str, str]:
    job = os.environ.get(JOB_MARK)
    return {_RUN_MARK: mark} | ({JOB_MARK: job} if job else {})


async def _start_guard() -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", _GUARD, stdin=pipe, stdout=pipe, start_new_session=True
        )
    except OSError as error:
        remedy = "free some memory or processes; it is tried again"
        words = f"no process can be started: {error.strerror}"
        raise Unavailable(words, code="no-process", remedy=remedy) from error


async def _converse(guard: asyncio.subprocess.Process, order: Mapping[str, Any]) -> dict[str, Any] | None:
    assert guard.stdin is not None and guard.stdout is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        guard.stdin.write(json.dumps(order).encode() + b"\n")
        await guard.stdin.drain()
    answer = await guard.stdout.read()
    await guard.wait()
    return json.loads(answer) if answer.endswith(b"\n") else None


async def _call_off(guard: asyncio.subprocess.Process) -> None:
    """Tell the guard to end its command, and see that it does."""
    _close(guard)
    try:
        await asyncio.wait_for(guard.wait(), _CANCEL_SECONDS_MAX)
    except TimeoutError:
        guard.kill()
        await guard.wait()


def _close(guard: asyncio.subprocess.Process) -> None:
    if guard.stdin is not None and not guard.stdin.is_closing():
        guard.stdin.close()


def _ended(command: Command, memory_bytes_max: int, answer: Mapping[str, Any]) -> Ended:
    exit_code = -signal.SIGKILL if answer["exit_code"] is None else int(answer["exit_code"])
    trouble, words = _judged(command, memory_bytes_max, exit_code, answer)
    return Ended(
        exit_code=exit_code,
        trouble=trouble,
        words=words,
        tail=answer["tail"],
        peak_memory_bytes=answer["peak_memory_bytes"],
        seconds=answer["seconds"],
    )


def _judged(command: Command, memory_bytes_max: int, exit_code: int, answer: Mapping[str, Any]) -> tuple[str, str]:
    """Whose fault the end was (empty: the command's own), and what happened in words."""
    ended_for = answer["ended_for"]
    if ended_for == "memory":
        return "limit", f"it held more memory than its limit of {memory_bytes_max / 2**20:,.0f} Mi and was ended"
    if ended_for == "time":
        return "limit", f"it ran longer than its limit of {span(command.seconds_max)} and was ended"
    if ended_for:
        return "cancelled", "it was cancelled"
    if answer["cannot_start"]:
        program = command.argv.environment.python if isinstance(command.argv, ModuleCall) else command.argv[0]
        return "", f"{program} cannot be started: {answer['cannot_start']}"
    if answer["log_failed"] or (exit_code != 0 and any(text in answer["tail"] for text in _DISK_FULL)):
        return "disk", "the disk was full"
    if exit_code < 0:
        hint = "; often the machine was out of memory" if exit_code == -signal.SIGKILL else ""
        return "", f"it was ended by signal {-exit_code} ({signal.Signals(-exit_code).name}){hint}"
    return "", f"it ended with exit code {exit_code}" if exit_code else ""
