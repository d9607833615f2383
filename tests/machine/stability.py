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
from tests.machine.towns import Span, calling, eventually, members, p99
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
    """What callers saw, and how it was with everything there and without: latencies in seconds, requests a second."""

    requests: int
    failed: int
    p99_before: float
    p99_after: float
    p99_alone: float
    p99_alive: float
    rate_alone: float
    rate_alive: float


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


def left_alone(one: Windlass, seconds: float) -> Alone:
    """Let callers call steadily, take everything but the site away, and put it back. As long as the site is alone it is
    measured with everything there too, one half before and one half after, so that a machine that changes favours
    neither."""
    with calling(one, steady=True) as callers:
        callers.more(20)
        before = _passed(seconds / 2)
        with headless(one):
            alone = _passed(seconds)
        one.wait("the control plane is back", lambda item: item["state"] == "live")
        after = _passed(seconds / 2)
    seen = callers.within((before[0], after[1]))
    apart, together = callers.within(alone), callers.within(before, after)
    return Alone(
        requests=len(seen),
        failed=sum(answer.status != 200 for answer in seen),
        p99_before=p99(callers.within(before)),
        p99_after=p99(callers.within(after)),
        p99_alone=p99(apart),
        p99_alive=p99(together),
        rate_alone=len(apart) / seconds,
        rate_alive=len(together) / seconds,
    )


def _passed(seconds: float) -> Span:
    """Time is what is measured here, so time is waited for."""
    began = time.monotonic()
    while (rest := began + seconds - time.monotonic()) > 0:
        time.sleep(min(rest, 0.2))
    return began, began + seconds


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
