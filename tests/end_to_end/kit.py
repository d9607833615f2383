"""One whole Windlass with real processes: a repository, a home of its own, the command line, callers with a record."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pygit2

from windlass.kernel.errors import Unavailable
from windlass.sdk.client import Client
from windlass.sdk.homes import Home, home_at
from windlass.sdk.locks import running

SERVICE = "weather"
DEADLINE_SECONDS = 90.0  # on two slow cores every step takes some seconds
LOOK_SECONDS = 0.05
Item = dict[str, Any]

SPEC = """\
service: weather
model: rain:Rain
data: {holdout: data/holdout.csv, label: rain}
gate:
  - accuracy >= 0.60
rollout:
  steps: [50%, 100%]
  soak: 2s
  limits: [errors <= 5%]
timeout: 2s
"""

GOOD = '''\
"""It rains when it is humid."""


class Rain:
    version = "VERSION"

    def predict(self, rows):
        return [int(value > 0.5) for value in rows["humidity"]]
'''

BAD = '''\
"""It rains when it is humid; cold days were forgotten."""


class Rain:
    version = "VERSION"

    def predict(self, rows):
        if min(rows["temperature"]) < 0:
            raise ValueError("it is too cold")
        return [int(value > 0.5) for value in rows["humidity"]]
'''


def holdout() -> str:
    """400 warm days, nine in ten of them told right by their humidity."""
    lines = ["humidity,temperature,rain"]
    for day in range(400):
        humidity = (day * 37 % 100) / 100
        rains = int(humidity > 0.5) if day % 10 else int(humidity <= 0.5)
        lines.append(f"{humidity},{5 + day % 20}.5,{rains}")
    return "\n".join(lines) + "\n"


@dataclass
class Load:
    """Callers that send rows one after the other, each over a kept connection, and write down every answer."""

    port: int
    pause: float = 0.02
    statuses: Counter[int] = field(default_factory=Counter)
    releases: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, callers: int = 2) -> None:
        """Begin to call."""
        for number in range(callers):
            thread = threading.Thread(target=self._call, args=(number,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End, after the last answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())

    @property
    def failed(self) -> dict[int, int]:
        """Answers that are failures, by status; 0 is no answer at all."""
        return {status: count for status, count in self.statuses.items() if status >= 500 or status == 0}

    def _call(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self._ended(connection):
            number += 1
            cold = number % 5 == 0
            body = json.dumps({"humidity": (number % 10) / 10, "temperature": -3.5 if cold else 12.5})
            try:
                connection.request("POST", f"/predict/{SERVICE}", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
            except OSError as error:
                self.statuses[0] += 1
                self.problems.append(repr(error))
                connection.close()
                continue
            release = answer.headers.get("x-windlass-release", "")
            self.statuses[answer.status] += 1
            self.releases[release] += 1
            if answer.status >= 500:
                self.failures[release] += 1
                self.problems.append(text.decode()[:200])

    def _ended(self, connection: http.client.HTTPConnection) -> bool:
        ended = self._stop.wait(self.pause)
        if ended:
            connection.close()
        return ended


class Windlass:
    """A home in a short folder, its repository, and what a person does with both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "weather"
        self.port = _free_port()
        self.log: list[str] = []
        self.repository.mkdir()
        pygit2.init_repository(str(self.repository), initial_head="main")
        (self.repository / "data").mkdir()
        (self.repository / "data" / "holdout.csv").write_text(holdout())

    @property
    def home(self) -> Home:
        return home_at(self.folder / "state" / "windlass" / "e2e")

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WINDLASS_", "XDG_"))}
        return {**kept, "XDG_STATE_HOME": str(self.folder / "state"), "WINDLASS_NAME": "e2e", "TERM": "dumb"}

    def commit(self, subject: str, model: str, spec: str = SPEC) -> str:
        """Commit a model whose version is the subject."""
        (self.repository / "windlass.yaml").write_text(spec)
        (self.repository / "rain.py").write_text(model.replace("VERSION", subject))
        repository = pygit2.Repository(str(self.repository))
        repository.index.add_all(["windlass.yaml", "rain.py", "data/holdout.csv"])
        repository.index.write()
        author = pygit2.Signature("Ann", "ann@example.org")
        parents = [] if repository.head_is_unborn else [repository.head.target]
        tree = repository.index.write_tree()
        return str(repository.create_commit("refs/heads/main", author, author, subject, tree, parents))

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line."""
        done = subprocess.run(
            [sys.executable, "-m", "windlass.main", *arguments],
            cwd=self.repository,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        self.log.append(f"$ windlass {' '.join(arguments)} -> {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def up(self) -> None:
        """Start everything."""
        done = self.run("up", str(self.repository), "--port", str(self.port))
        assert 0 == done.returncode, done.stderr + self.logs()

    def status(self) -> Item | None:
        """What is true of the service; None while nobody answers."""
        try:
            items: list[Item] = Client(self.home.api_socket).get("v1", "status")["items"]
        except Unavailable:
            return None
        return items[0] if items else None

    def sync(self) -> None:
        """Look at Git now."""
        with suppress(Unavailable):
            Client(self.home.api_socket).post("v1", "sync", body={})

    def facts(self) -> list[Item]:
        """All facts about the service."""
        found: list[Item] = Client(self.home.api_socket).get("v1", "facts", service=SERVICE, limit=1000)["items"]
        return found

    def wait(self, what: str, true: Callable[[Item], bool], seconds: float = DEADLINE_SECONDS) -> Item:
        """Wait until something is true of the service."""
        deadline = time.monotonic() + seconds
        item = None
        while time.monotonic() < deadline:
            item = self.status() or item
            if item is not None and true(item):
                return item
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"{what} did not happen: {item and (item['state'], item['sentence'])}\n{self.logs()}")

    def live(self, commit: str) -> Item:
        """Wait until a commit's release has all of the traffic."""
        return self.wait(
            f"commit {commit[:12]} live",
            lambda item: item["state"] == "live" and bool(item["live"]) and item["live"]["commit"] == commit,
        )

    def pids(self) -> dict[str, int]:
        """Supervisor, control plane and site agent, as their locks say."""
        found = {role: running(self.home, role) for role in ("supervisor", "control", "site")}
        return {role: process.pid for role, process in found.items() if process is not None}

    def gateway(self) -> list[int]:
        """The gateway's process, as the site wrote it down."""
        return _pids(self.home.site / "gateway" / "process.json")

    def replicas(self) -> list[int]:
        """The replicas' processes, as the site wrote them down."""
        return _pids(self.home.site / "processes.json")

    def kill(self, role: str) -> int:
        """Kill -9 one of our three processes."""
        pid = self.pids()[role]
        os.kill(pid, signal.SIGKILL)
        return pid

    def back(self, role: str, pid: int) -> None:
        """Wait until the supervisor has started a killed process again."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            if self.pids().get(role, pid) != pid:
                return
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"{role} did not come back\n{self.logs()}")

    def logs(self) -> str:
        """The ends of all logs, for a test that failed."""
        found = sorted(self.folder.glob("state/**/*.log")) + sorted(self.folder.glob("state/**/logs/**/*.txt"))
        texts = [
            f"== {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in found if path.name != "access.log"
        ]
        return "\n".join([*self.log[-3:], *texts])


def _pids(path: Path) -> list[int]:
    """Every `pid` in a JSON file."""
    return _found(json.loads(path.read_text())) if path.exists() else []


def _found(value: Any) -> list[int]:
    if isinstance(value, list):
        return [pid for item in value for pid in _found(item)]
    if not isinstance(value, dict):
        return []
    own = [value["pid"]] if isinstance(value.get("pid"), int) else []
    return own + [pid for item in value.values() for pid in _found(item)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def windlass() -> Iterator[Windlass]:
    """A Windlass that is taken down at the end, by process id where it will not go."""
    folder = Path(tempfile.mkdtemp(prefix="wl-", dir="/tmp"))
    one = Windlass(folder)
    try:
        yield one
    finally:
        pids = [*one.pids().values(), *one.gateway(), *one.replicas()]
        one.run("down")
        for pid in pids:
            if alive(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for path in one.home.zygote_sockets.glob("*.sock"):
            path.unlink()  # a zygote ends without its path
        shutil.rmtree(one.home.sockets, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
