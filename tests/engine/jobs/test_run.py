"""A job always says how it ended, and nothing of it is left when it is killed."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.processes.scenes import alive, pids, wait_until
from tests.engine.jobs.scene import FILES, SPEC, Scene, said
from windlass.engine.jobs.run import job_main
from windlass.kernel.errors import Bug, Refused, Unavailable, UserMistake
from windlass.ports.compute import job_folder
from windlass.ports.git import TreeEntry
from windlass.sdk.homes import home_at


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    shutil.rmtree(home_at(made.home).sockets, ignore_errors=True)  # a zygote ends without its path


class Failing:
    """A repository that fails as it is told."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def tree(self, repository: str, commit: str) -> tuple[TreeEntry, ...]:
        raise self._error


@pytest.mark.parametrize(
    ("error", "trouble", "words"),
    [
        (UserMistake("is wrong", code="x", where="a", remedy="write b"), "user", "a: is wrong; write b"),
        (Refused("is forbidden", code="x"), "user", "is forbidden"),
        (Unavailable("does not answer", code="git-remote"), "network", "does not answer"),
        (Unavailable("the disk is full", code="disk-full"), "disk", "the disk is full"),
        (Unavailable("too large", code="limit"), "limit", "too large"),
        (Bug("a promise is broken", code="x"), "crash", "a promise is broken"),
        (OSError(28, "No space left on device", "/x"), "disk", "the disk failed: No space left on device: /x"),
        (KeyError("x"), "crash", "the build failed inside Windlass: KeyError: 'x'"),
    ],
)
def test_whose_fault_it_is(
    scene: Scene, capfd: pytest.CaptureFixture[str], error: Exception, trouble: str, words: str
) -> None:
    """Every error becomes a result that says whose fault it is; our own faults leave their trace in the job's log."""
    request = scene.request("0" * 40, SPEC)
    git: Any = Failing(error)
    assert 0 == asyncio.run(job_main(str(scene.home), request.job, replace(scene.ports, git=git)))
    result = scene.result(request)
    assert ("failed", trouble, words) == (result.state, result.trouble, result.words)
    assert ("Traceback" in capfd.readouterr().err) == (trouble == "crash" or isinstance(error, OSError))


def test_a_job_that_finds_no_place_says_so(scene: Scene) -> None:
    """Where not even its folders can be made the disk is at fault, not the job: it is tried again."""
    request = scene.request("0" * 40, SPEC)
    (scene.home / "control/logs").write_text("in the way")
    assert 0 == asyncio.run(job_main(str(scene.home), request.job, scene.ports))
    said = json.loads((Path(job_folder(str(scene.home), request.job)) / "result.json").read_bytes())
    assert ("failed", "disk") == (said["state"], said["trouble"])


def test_a_job_says_what_it_does(scene: Scene) -> None:
    """While a job runs its progress can be read, and a second run of the same job begins with an empty folder."""
    request = scene.request(scene.commit({**FILES, "train.py": "raise SystemExit(9)\n"}), SPEC)
    folder = Path(job_folder(str(scene.home), request.job))
    (folder / "work/tree/left").mkdir(parents=True)
    assert 0 == asyncio.run(job_main(str(scene.home), request.job, scene.ports))
    assert "running train\n" == (folder / "progress.txt").read_text()
    assert "exit code 9" in scene.result(request).words


def test_a_build_says_what_it_is_about(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part that may take long is named before it begins, in its order."""
    request = scene.request(scene.commit(), SPEC)
    with said(monkeypatch) as words:
        assert 0 == asyncio.run(job_main(str(scene.home), request.job, scene.ports))
    assert [
        "reading the commit",
        "preparing the environment",
        "running train",
        "loading the model",
        "comparing the data with the holdout",
    ] == words


STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
os.write(1, f"pid {os.getpid()}{chr(10)}".encode())
while True:
    time.sleep(1)
"""


def test_a_killed_job_leaves_no_orphan(scene: Scene) -> None:
    """After kill -9 of a job, as `windlass` runs it, the training that it started is gone too, without a result."""
    request = scene.request(scene.commit({**FILES, "train.py": STUBBORN}), SPEC)
    log = scene.home / "control/logs/build" / f"visits-{request.job}.txt"
    argv = [sys.executable, "-P", "-m", "windlass.main", "job", "--home", str(scene.home), "--job", request.job]
    pid = os.posix_spawn(argv[0], argv, dict(os.environ))
    try:
        wait_until(lambda: len(pids(log)) == 2)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    wait_until(lambda: not alive(pids(log)))
    assert not (Path(job_folder(str(scene.home), request.job)) / "result.json").exists()


def test_a_job_as_windlass_runs_it(scene: Scene) -> None:
    """The job's own process builds the release and exits 0 with the result in its place."""
    request = scene.request(scene.commit(), SPEC)

    async def run() -> int:
        argv = ["-P", "-m", "windlass.main", "job", "--home", str(scene.home), "--job", request.job]
        process = await asyncio.create_subprocess_exec(sys.executable, *argv)
        return await process.wait()

    assert 0 == asyncio.run(run())
    result = scene.result(request)
    assert "done" == result.state, result.words
    assert json.loads(scene.files(result.release)["run.json"])["target"] == "model:Model"
