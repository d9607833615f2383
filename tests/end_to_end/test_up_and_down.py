"""`windlass up` and `down` with real processes: supervisor, control plane, site agent, gateway."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from windlass.sdk.homes import Home, home_at
from windlass.sdk.locks import running

DEADLINE_SECONDS = 150.0
WRONG = "service: doctor-visits\ntrain: python train.py\ngate: [roc_acu >= 0.7]\n"


def windlass(*words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """One command, run to its end."""
    command = [sys.executable, "-m", "windlass.main", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_SECONDS)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def repository(folder: Path) -> Path:
    """A repository whose only service has a file that cannot be used: nothing is built."""
    folder.mkdir(parents=True)
    repo = pygit2.init_repository(str(folder), initial_head="main")
    (folder / "windlass.yaml").write_text(WRONG)
    repo.index.add("windlass.yaml")
    repo.index.write()
    who = pygit2.Signature("Ann", "ann@example.org")
    repo.create_commit("HEAD", who, who, "First", repo.index.write_tree(), [])
    return folder


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for homes and repositories; whatever still runs in its homes is taken down afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="wl-", dir="/tmp"))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("WINDLASS_NAME", raising=False)
    yield folder
    for home in (folder / "state" / "windlass").glob("*"):
        windlass("--name", home.name, "down", folder=folder)
    shutil.rmtree(folder, ignore_errors=True)


def pids(home: Home) -> dict[str, int]:
    """Who runs."""
    found = {role: running(home, role) for role in ("supervisor", "control", "site")}
    return {role: process.pid for role, process in found.items() if process is not None}


def test_up_says_what_is_wrong_and_down_leaves_nothing(place: Path) -> None:
    """`up` returns when all answer and shows the complaints; again it changes nothing; after a kill -9 it repairs;
    `down` ends everything, twice."""
    folder, port = repository(place / "shop"), free_port()
    first = windlass("up", "--port", str(port), "-o", "json", folder=folder)
    assert 0 == first.returncode, first.stderr
    answer = json.loads(first.stdout)
    assert ("shop", f"http://127.0.0.1:{port}", True) == (answer["home"], answer["url"], answer["started"])
    assert [{"repository": str(folder), "branch": "main"}] == answer["repositories"]
    home = home_at(Path(answer["folder"]))
    before = pids(home)
    assert {"supervisor", "control", "site"} == set(before)
    assert (folder / ".windlass" / "home").read_text().strip() == str(home.folder)
    assert 0 == len(pygit2.Repository(str(folder)).status())

    status = windlass("status", folder=folder)
    assert 'unknown metric "roc_acu"; did you mean "roc_auc"?' in " ".join(status.stdout.split())

    again = windlass("up", folder=folder)
    assert (0, True) == (again.returncode, "ran already" in again.stdout), again
    assert before == pids(home)

    for role in ("supervisor", "control", "site"):
        os.kill(before[role], signal.SIGKILL)
    repaired = windlass("up", folder=folder)
    assert (0, True) == (repaired.returncode, f"answer at http://127.0.0.1:{port}" in repaired.stdout), repaired
    assert {"supervisor", "control", "site"} == set(pids(home))
    assert 0 == windlass("doctor", folder=folder).returncode

    other = repository(place / "elsewhere" / "shop")
    refused = windlass("up", folder=other)
    assert (2, True) == (refused.returncode, f"began with {folder}" in refused.stderr)
    taken = windlass("up", "--name", "second", "--port", str(port), folder=other)
    assert (2, True) == (taken.returncode, f"port {port} is taken by" in taken.stderr)

    ended = windlass("down", folder=folder)
    assert (0, {}) == (ended.returncode, pids(home)), ended
    assert "Traceback" not in (home.control / "control.log").read_text(), "an orderly end is no trouble"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    nothing = windlass("down", folder=folder)
    assert (0, "nothing of shop runs\n") == (nothing.returncode, nothing.stdout)


def test_down_takes_down_what_was_left_alone(place: Path) -> None:
    """With supervisor, control plane and site agent killed, `down` still ends the gateway that went on."""
    folder, port = repository(place / "shop"), free_port()
    assert 0 == windlass("up", "--port", str(port), folder=folder).returncode
    home = home_at(place / "state" / "windlass" / "shop")
    for pid in pids(home).values():
        os.kill(pid, signal.SIGKILL)
    assert 1 == windlass("status", folder=folder).returncode
    ended = windlass("down", folder=folder)
    assert (0, "ended: site, gateway, replicas\n") == (ended.returncode, ended.stdout), ended
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
