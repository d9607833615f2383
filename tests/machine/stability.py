"""A site whose control plane, database and repository are gone: it serves, restarts what crashes, and starts cold."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.kit import Windlass, alive
from tests.machine.towns import calling, eventually, members
from windlass.adapters.environments.local import LocalEnvironments
from windlass.adapters.processes.local import LocalProcesses
from windlass.kernel.digests import hex_of, parse_digest

_IMPORTS = """
import sys
from pathlib import Path
sys.path.append(sys.argv[1])
from windlass.serving.door import Door
from windlass.serving.releases import load_release
from windlass.serving.server import serve
load_release(Path(sys.argv[2]))
"""


@dataclass(frozen=True, slots=True)
class Alone:
    """What callers saw before and after everything but the site was gone; latencies in seconds."""

    requests: int
    failed: int
    p99_before: float
    p99_after: float


@contextmanager
def headless(one: Windlass) -> Iterator[None]:
    """Supervisor and control plane are killed; their database, Git mirrors and keys, and the repository, are gone. At
    the end all is put back and started again."""
    away = one.folder / "away"
    for role in ("supervisor", "control"):
        pid = one.kill(role)
        eventually(f"the end of {role}", lambda pid=pid: not alive(pid))  # type: ignore[misc]
    away.mkdir()
    one.home.control.rename(away / "control")
    one.repository.rename(away / "repository")
    try:
        yield
    finally:
        (away / "repository").rename(one.repository)
        (away / "control").rename(one.home.control)
        away.rmdir()
        one.up()


def left_alone(one: Windlass, before_seconds: float, alone_seconds: float) -> Alone:
    """Let callers call, take everything but the site away, and let them go on calling."""
    with calling(one) as callers:
        callers.more(20)
        began = time.monotonic()
        _pass(before_seconds)
        with headless(one):
            gone = time.monotonic()
            _pass(alone_seconds)
            ended = time.monotonic()
    failed = [answer for answer in callers.answers if began <= answer.ended < ended and answer.status != 200]
    served = sum(began <= answer.ended < ended for answer in callers.answers)
    return Alone(served, len(failed), callers.p99(began, gone), callers.p99(gone, ended))


def _pass(seconds: float) -> None:
    """Time is what is measured here, so time is waited for."""
    ended = time.monotonic() + seconds
    while (rest := ended - time.monotonic()) > 0:
        time.sleep(min(rest, 0.2))


def cold_seconds(one: Windlass) -> float:
    """Seconds from the start of the site agent to the first prediction, when nothing else runs or exists."""
    with headless(one):
        pids = [
            *one.gateway(),
            *one.replicas(),
            one.pids()["site"],
            *members(str(one.home.sockets)),
            *members(str(one.home.folder)),
        ]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually("the end of everything", lambda: not any(alive(pid) for pid in pids))
        began = time.monotonic()
        with open(one.home.site / "site.log", "ab") as log:
            agent = subprocess.Popen(
                [sys.executable, "-m", "windlass.main", "site", "--home", str(one.home.folder)],
                cwd="/",
                env=one.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        with calling(one, 1, pause=0.01) as callers:
            callers.more(1)
        found = min(answer.ended for answer in callers.answers if answer.status == 200) - began
        agent.kill()  # the supervisor starts one of its own
        agent.wait()
    return found


def import_seconds(one: Windlass, release: str) -> float:
    """Seconds that the release's interpreter takes by hand to import what serves it, the quickest of three."""
    folder = one.home.store / "releases" / hex_of(parse_digest(release))
    lock, python = (_text(folder / "env" / name) for name in ("lock.txt", "python.txt"))
    environments = LocalEnvironments(str(one.home.store), LocalProcesses())
    environment = asyncio.run(environments.restore(lock, python, os.devnull))
    command = [environment.python, "-P", "-c", _IMPORTS, environment.overlay, str(folder)]
    found = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL)
        found.append(time.monotonic() - began)
    return min(found)


def _text(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""
