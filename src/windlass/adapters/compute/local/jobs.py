"""Jobs as processes of this machine that outlive the control plane.

Whether a job runs is told by a lock on its folder: it is taken before the process starts, handed to it as an open file,
and let go by the kernel when the process is gone. So there is no moment, not even a kill -9 of the control plane in the
middle of a start, in which a job runs unseen or is started twice; a pid alone could be somebody else's by now. The pid
with its start time is recorded beside it for the one who wants to end the job.
"""

import asyncio
import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

from windlass.adapters.processes import families
from windlass.adapters.processes.local import JOB_MARK
from windlass.adapters.world.files import disk_trouble, make_folder, read_file, remove_tree, write_file
from windlass.kernel.errors import Bug, Unavailable, clip
from windlass.kernel.records import from_json, to_json
from windlass.ports.compute import JobRequest, JobSeen, job_folder, job_log

_JOB_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_STOP_SECONDS_MAX = 10.0
_GUARD_SECONDS = 1.0  # the guards of the job's commands see its death and end them politely within this time
_LOG_TAIL_BYTES = 2000


class LocalCompute:
    """Runs each job as `<launch> job --home HOME --job ID` in a session of its own.

    Args:
        home: the home folder, absolute.
        launch: the program and its first arguments.
    """

    def __init__(self, home: str, launch: tuple[str, ...] = (sys.executable, "-P", "-m", "windlass.main")) -> None:
        self._home = home
        self._launch = launch
        self._children: set[int] = set()

    async def start(self, request: JobRequest) -> None:
        """Start the job, unless it is known already.

        Raises:
            Unavailable: no process can be started, or the disk fails.
        """
        _check_name(request.job)
        folder = job_folder(self._home, request.job)
        if self._is_known(request.job):
            return
        write_file(f"{folder}/request.json", json.dumps(to_json(request)).encode())
        make_folder(os.path.dirname(job_log(self._home, request)))
        lock = _open_lock(folder)
        try:
            if _take(lock, fcntl.LOCK_EX):
                self._spawn(request.job, lock)
        finally:
            os.close(lock)

    async def look(self) -> tuple[JobSeen, ...]:
        """Every job that was started and not forgotten, sorted by its id."""
        self._reap()
        try:
            names = sorted(os.listdir(f"{self._home}/control/jobs"))
        except FileNotFoundError:
            return ()
        return tuple(self._seen(name) for name in names if _JOB_NAME.fullmatch(name) and self._is_known(name))

    async def stop(self, job: str) -> None:
        """End the job and every process that it started; a job that has ended already stays as it is."""
        _check_name(job)
        folder = job_folder(self._home, job)
        if not self._is_known(job) or not _is_locked(folder):
            return
        write_file(f"{folder}/stopped", b"")
        await self._end(job)

    async def forget(self, job: str) -> None:
        """Drop the job's folder; a job that still runs is ended first. Its log stays."""
        await self.stop(job)
        folder = job_folder(self._home, job)
        if os.path.isdir(folder):
            await asyncio.to_thread(remove_tree, folder)

    def _is_known(self, job: str) -> bool:
        """A job is known once its process was recorded, or where it runs without a record."""
        folder = job_folder(self._home, job)
        if not os.path.exists(f"{folder}/request.json"):
            return False
        return any(os.path.exists(f"{folder}/{name}") for name in ("process.json", "result.json")) or _is_locked(folder)

    def _spawn(self, job: str, lock: int) -> None:
        folder = job_folder(self._home, job)
        log = os.open(f"{folder}/log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, log, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
            # A file handed on under its own number would be closed at exec.
            (os.POSIX_SPAWN_DUP2, lock, max(lock, log) + 1),
        ]
        argv = [*self._launch, "job", "--home", self._home, "--job", job]
        env = os.environ | {JOB_MARK: self._mark(job)}
        try:
            pid = os.posix_spawn(argv[0], argv, env, file_actions=actions, setsid=True)
        except OSError as error:
            words = f"the job's process cannot be started: {error.strerror}"
            remedy = "free some memory or processes; it is tried again"
            raise Unavailable(words, code="no-process", where=argv[0], remedy=remedy) from error
        finally:
            os.close(log)
        self._children.add(pid)
        member = families.member_of(pid)
        process = {"pid": pid, "started": member.started if member else "", "began": time.time_ns() // 1_000_000}
        write_file(f"{folder}/process.json", json.dumps(process).encode())

    def _seen(self, job: str) -> JobSeen:
        folder = job_folder(self._home, job)
        runs = _is_locked(folder)  # asked first: what ends in between has its result in place
        request = from_json(JobRequest, _json(f"{folder}/request.json"))
        result = _json(f"{folder}/result.json") or {}
        began = (_json(f"{folder}/process.json") or {}).get("began", 0)
        state, trouble, words = _judged(folder, runs, result)
        return JobSeen(
            job=job,
            kind=request.kind,
            service=request.service,
            state=state,
            began=began,
            progress=(read_file(f"{folder}/progress.txt") or b"").decode(errors="replace").strip(),
            result=result.get("result") or {},
            trouble=trouble,
            words=words,
            log=job_log(self._home, request),
        )

    async def _end(self, job: str) -> None:
        folder = job_folder(self._home, job)
        process = _json(f"{folder}/process.json") or {}
        member = families.member_of(process.get("pid", 0))
        if member and member.started == process.get("started"):
            families.kill([member])
        begin = time.monotonic()
        while time.monotonic() < begin + _STOP_SECONDS_MAX:
            self._reap()
            left = families.marked(f"{JOB_MARK}={self._mark(job)}")
            if not left and not _is_locked(folder):
                return
            if time.monotonic() > begin + _GUARD_SECONDS:
                families.kill(left)
            await asyncio.sleep(0.02)

    def _reap(self) -> None:
        """Let go of jobs that this process started and that have ended; the others belong to whoever adopted them."""
        for pid in sorted(self._children):
            if os.waitpid(pid, os.WNOHANG)[0]:
                self._children.discard(pid)

    def _mark(self, job: str) -> str:
        return f"{self._home}/{job}"


def _judged(folder: str, runs: bool, result: Mapping[str, Any]) -> tuple[str, str, str]:
    """State, trouble and words of a job. A result that came before the stop stands."""
    if result:
        return str(result.get("state", "failed")), str(result.get("trouble", "")), str(result.get("words", ""))
    if os.path.exists(f"{folder}/stopped"):
        return ("running", "", "it is being cancelled") if runs else ("failed", "cancelled", "it was cancelled")
    if runs:
        return "running", "", ""
    last = (read_file(f"{folder}/log.txt") or b"")[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
    words = "the job's process ended without a result"
    return "failed", "crash", f"{words}: {clip(last.splitlines()[-1])}" if last else words


def _check_name(job: str) -> None:
    if not _JOB_NAME.fullmatch(job):
        raise Bug(f"a job cannot be called {clip(job)!r}", code="job-name")


def _json(path: str) -> Any:
    """The JSON value of a small file; None where there is none, or where it was cut short."""
    data = read_file(path)
    try:
        return json.loads(data) if data else None
    except ValueError:
        return None


def _open_lock(folder: str) -> int:
    try:
        return os.open(f"{folder}/lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise disk_trouble(error, f"{folder}/lock") from error


def _take(lock: int, how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(folder: str) -> bool:
    if not os.path.exists(f"{folder}/lock"):
        return False
    lock = _open_lock(folder)
    try:
        return not _take(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)
