"""`windlass down`: everything of one home ends, requests under way are answered first.

The supervisor goes first, so that it restarts nothing; then control plane and jobs; the site agent drains the gateway
and ends the replicas. Where no site agent runs but its gateway does, one is started to take down what the last one
left.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from windlass.cli.session import Session
from windlass.cli.shared import verb
from windlass.cli.talk import Progress
from windlass.cli.waiting import last_line, wait_until
from windlass.kernel.errors import Unavailable, WindlassError
from windlass.sdk.client import Request
from windlass.sdk.homes import Home
from windlass.sdk.locks import running

END_SECONDS = 15.0  # a process that was told to end is killed after this time
DRAIN_SECONDS = 90.0  # the longest request, and some


@verb("down")
def command(session: Session) -> None:
    """Stop it: supervisor, control plane, builds, gateway and replicas.

    Requests under way are answered first. The state stays; `windlass up` goes on from there.
    """
    home = session.home
    ended: list[str] = []
    if home.control.is_dir():
        with session.talk.progress() as progress:
            ended += _end(
                home, "supervisor", signal.SIGKILL, progress
            )  # it holds nothing; told to end, it would end the site
            ended += _end(home, "control", signal.SIGTERM, progress)
            ended += _end_jobs(session, progress)
            ended += _end_site(session, progress)
            _end_zygotes(home)
    session.talk.give("down", {"home": home.name, "ended": ended})
    session.talk.write(f"ended: {', '.join(ended)}" if ended else f"nothing of {home.name} runs")


def _end(home: Home, role: str, sign: signal.Signals, progress: Progress) -> list[str]:
    process = running(home, role)
    if process is None:
        return []
    for one in (sign, signal.SIGKILL):
        try:
            os.kill(process.pid, one)
        except ProcessLookupError:
            break
        if wait_until(lambda: running(home, role) != process, END_SECONDS, lambda: progress(f"ending the {role}")):
            break
    return [role]


def _end_jobs(session: Session, progress: Progress) -> list[str]:
    async def stop() -> list[str]:
        compute = session.doors.compute(str(session.home.folder))
        ended = []
        for job in await compute.look():
            if job.state == "running":
                progress(f"ending the {job.kind} of {job.service}")
                await compute.stop(job.job)
                ended.append(f"{job.kind} of {job.service}")
        return ended

    return asyncio.run(stop())


def _end_site(session: Session, progress: Progress) -> list[str]:
    home = session.home
    started = None
    if running(home, "site") is None:
        if not _left_alone(home):
            return []
        started = _start_agent(home)
    if not wait_until(lambda: _listens(home.site_socket), END_SECONDS, lambda: progress("waiting for the site agent")):
        _end(home, "site", signal.SIGTERM, progress)
        raise Unavailable(
            f"the site agent does not answer: {last_line(home.site / 'site.log')}",
            code="no-site",
            remedy=f"gateway and replicas may still run; see {home.site / 'processes.json'}",
        )
    words = _ask_down(session)
    gone = wait_until(
        lambda: running(home, "site") is None and not _left_alone(home),
        DRAIN_SECONDS,
        lambda: progress("draining the gateway"),
    )
    if started is not None:
        started.wait(END_SECONDS)
    if not gone:
        raise Unavailable(
            f"gateway or replicas still run after {DRAIN_SECONDS:.0f} s{words}",
            code="not-gone",
            remedy=f"run `windlass down` again; see {home.site / 'site.log'}",
        )
    return ["site", "gateway", "replicas"]


def _end_zygotes(home: Home) -> None:
    """End the processes that replicas and jobs were forked from; the connection ends when the process has."""
    for path in home.zygote_sockets.glob("*.sock"):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(END_SECONDS)
            connection.connect(str(path))
            connection.sendall(b'{"end": true}\n')
            connection.recv(1)
        path.unlink(missing_ok=True)


def _ask_down(session: Session) -> str:
    """Ask the agent to take everything down. What it answers is only kept as words: it may end before it has answered,
    and whether all is gone is looked at anyway."""
    try:
        session.site.ask(Request("/down", body={}, seconds=DRAIN_SECONDS))
    except WindlassError as error:
        return f": {error}"
    return ""


def _left_alone(home: Home) -> bool:
    """Whether a gateway or a replica answers."""
    doors = [home.sockets / "e" / "admin.sock", *(home.sockets / "r").glob("*.ctl")]
    return any(_listens(path) for path in doors)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _start_agent(home: Home) -> "subprocess.Popen[bytes]":
    with open(home.site / "site.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "windlass.main", "site", "--home", str(home.folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
