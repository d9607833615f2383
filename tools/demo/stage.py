"""The stage of the demo: a repository, a home of its own, the command line, the load generator."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.demo.data import write_data
from windlass.kernel.errors import Unavailable
from windlass.sdk.client import Client
from windlass.sdk.homes import Home, home_at
from windlass.sdk.locks import running

VERSIONS = Path(__file__).with_name("versions")
SERVICE = "doctor-visits"
LOOK_SECONDS = 0.1
Item = dict[str, Any]


class StoryBroken(Exception):
    """The demo did not go as promised: what was waited for, and what was true instead."""


@dataclass(slots=True)
class Stage:
    """Everything lies below `folder`, so that one removal undoes the demo."""

    folder: Path
    port: int
    rate: float

    @property
    def repository(self) -> Path:
        return self.folder / "doctor-visits"

    @property
    def live_rows(self) -> Path:
        return self.folder / "live.jsonl"

    @property
    def record(self) -> Path:
        return self.folder / "record.jsonl"

    @property
    def home(self) -> Home:
        return home_at(self.folder / "state" / "windlass" / "demo")

    def environment(self) -> dict[str, str]:
        """The variables of every command: state lies in the demo's folder, whatever the account uses otherwise."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WINDLASS_")}
        return {**kept, "XDG_STATE_HOME": str(self.folder / "state"), "WINDLASS_NAME": "demo"}

    def prepare(self) -> None:
        """An empty folder with the data and an empty repository."""
        import pygit2

        if self.folder.exists():
            self.windlass("down", check=False)
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        pygit2.init_repository(str(self.repository), initial_head="main")
        write_data(self.repository / "data", self.live_rows)

    def commit(self, version: str, subject: str) -> tuple[str, float]:
        """Commit the files of one version on top of main; the commit and its instant."""
        import pygit2

        for path in sorted((VERSIONS / version).iterdir()):
            if path.is_file():
                shutil.copyfile(path, self.repository / path.name)
        repository = pygit2.Repository(str(self.repository))
        repository.index.add_all([name for name in os.listdir(self.repository) if name != ".git"])
        repository.index.write()
        author = pygit2.Signature("Ann", "ann@example.org")
        parents = [] if repository.head_is_unborn else [repository.head.target]
        tree = repository.index.write_tree()
        made = repository.create_commit("refs/heads/main", author, author, subject, tree, parents)
        return str(made), time.time()

    def windlass(self, *arguments: str, check: bool = True) -> str:
        """Run the command line as a person would; its standard output.

        Raises:
            StoryBroken: it failed, and `check` is set.
        """
        done = subprocess.run(
            [sys.executable, "-m", "windlass.main", *arguments],
            cwd=self.repository if self.repository.exists() else self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if check and done.returncode != 0:
            command = " ".join(arguments)
            raise StoryBroken(f"`windlass {command}` ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def status(self) -> Item | None:
        """What is true of the service now; None while the control plane is dead or knows no such service."""
        try:
            items = Client(self.home.api_socket).get("v1", "status")["items"]
        except Unavailable:
            return None
        return next((item for item in items if item["service"] == SERVICE), None)

    def facts(self) -> list[Item]:
        """All facts about the service."""
        found: list[Item] = Client(self.home.api_socket).get("v1", "facts", service=SERVICE, limit=1000)["items"]
        return found

    def wait(self, what: str, true: Callable[[Item], bool], seconds: float) -> Item:
        """Wait until something is true of the service.

        Raises:
            StoryBroken: it did not become true in time, or the build failed.
        """
        deadline = time.monotonic() + seconds
        item: Item | None = None
        while time.monotonic() < deadline:
            item = self.status() or item
            if item is not None and true(item):
                return item
            if item is not None and item["state"] in ("failed", "refused"):
                raise StoryBroken(f"waiting for {what}: {item['sentence']}")
            time.sleep(LOOK_SECONDS)
        now = f"{item['state']}: {item['sentence']}" if item else "nothing answered"
        raise StoryBroken(f"{what} did not happen within {seconds:.0f} s; now {now}")

    def kill_control_plane(self) -> int:
        """Kill -9 the control plane; its process id."""
        process = running(self.home, "control")
        if process is None:
            raise StoryBroken("the control plane does not run")
        os.kill(process.pid, signal.SIGKILL)
        return process.pid

    def start_load(self) -> "subprocess.Popen[bytes]":
        """Start the load generator."""
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tools.demo.load", "--port", str(self.port), "--service", SERVICE),
                *("--rows", str(self.live_rows), "--rate", str(self.rate), "--record", str(self.record)),
            ],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
        )


def read_record(path: Path) -> list[Item]:
    """What the load generator wrote."""
    return [json.loads(line) for line in path.read_text().splitlines()]
