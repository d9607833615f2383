"""Our own processes: supervisor, control plane, site agent, job. Each is started with `--home`."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from windlass.kernel.errors import WindlassError
from windlass.sdk.homes import Home, home_at, make_folders

PID_DIGITS = 10
HELD = 75  # another process of this home does this already (EX_TEMPFAIL of sysexits.h)


def run_process(role: str, arguments: list[str]) -> int:
    """Run one of our processes to its end; the exit code."""
    parser = argparse.ArgumentParser(prog=f"windlass {role}")
    parser.add_argument("--home", required=True, type=Path)
    parser.add_argument("--job", default="")
    options = parser.parse_args(arguments)
    home = home_at(options.home)
    try:
        make_folders(home)
        return _run(role, home, options.job)
    except WindlassError as error:
        sys.stderr.write(f"windlass {role}: {error}\n")
        return 1


def _run(role: str, home: Home, job: str) -> int:
    if role == "job":
        from windlass.main.job import run_job

        return run_job(home, job)
    if role == "supervisor":
        from windlass.main.supervisor import supervise

        return supervise(home)
    _log(role)
    lock = hold(home.control / "lock" if role == "control" else home.site / "lock")
    if lock is None:
        return HELD
    if role == "control":
        from windlass.main.control import control

        return _until_terminated(control(home))
    from windlass.main.site import site

    return _until_terminated(site(home))


def _log(role: str) -> None:
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format=f"%(asctime)s {role} %(levelname)s %(name)s %(message)s"
    )
    for noisy in ("httpx2", "httpx", "uvicorn.error", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_trouble)


def _is_trouble(record: logging.LogRecord) -> bool:
    """A request that was still waiting when this process was told to end is none: a site's long poll always is one."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


def hold(path: Path) -> int | None:
    """Hold a lock file for as long as this process lives, with its pid in it; None where another one holds it.

    Raises:
        Unavailable: the disk is full or fails.
    """
    from windlass.adapters.world.files import disk_trouble

    try:
        return _held(path)
    except OSError as error:
        raise disk_trouble(error, str(path)) from error


def _held(path: Path) -> int | None:
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Always as long as the last one, so that it is in place in one piece and a full disk has room for it.
        os.pwrite(descriptor, f"{os.getpid():<{PID_DIGITS}}\n".encode(), 0)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return descriptor


def _until_terminated(work: Coroutine[Any, Any, None]) -> int:
    """Run until SIGTERM or SIGINT; then cancel, which leaves gateway and replicas running."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, task.cancel)
        await work

    try:
        asyncio.run(main())
    except asyncio.CancelledError:
        return 0
    return 0
