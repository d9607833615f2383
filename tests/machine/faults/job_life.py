"""Jobs: a build that trains a model and the gate that judges it, as the control plane has them run.

Repository, export, training, store, tables and the model's own process are real. What a job starts is not watched: a
fault falls on the job alone, as a full disk meets whoever writes next. The second round is the next attempt.
"""

import asyncio
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.adapters.artifacts.kills import complaints
from tests.engine.jobs.scene import FILES, SPEC, Scene
from tests.machine.faults.lives import Life, Tell, say
from tests.machine.towns import members
from windlass.adapters.environments.holding import held
from windlass.adapters.processes import families
from windlass.adapters.processes.local import JOB_MARK
from windlass.adapters.world.files import write_file
from windlass.delivery.releases.manifest import read_manifest
from windlass.delivery.sources.types import GateLine
from windlass.engine.jobs.run import job_main
from windlass.kernel.digests import Digest, digest_of
from windlass.kernel.records import to_json
from windlass.main.job import job_ports
from windlass.main.zygotes import zygotes_of
from windlass.ports.compute import JobRequest, job_folder
from windlass.sdk.homes import SETTINGS, Home, home_at, make_folders

JUDGED = replace(SPEC, gate=(GateLine("accuracy >= 0.1"),))
DISK_TROUBLES = ("disk", "network")  # whoever hears of one of these tries again by himself
ORPHAN_SECONDS_MAX = 10.0
_SOCKETS = Path(f"/tmp/wz-{os.getpid()}")  # of one walk, whose processes are forked from the one that reads this


@contextmanager
def _with_sockets() -> Iterator[None]:
    """One zygote for all points of a walk: importing takes it seconds. It ends without its path."""
    _SOCKETS.mkdir(mode=0o700)
    try:
        yield
    finally:
        shutil.rmtree(_SOCKETS)


def _ready(folder: str) -> None:
    """A repository with one commit, and a home in which the model's environment is there and warm."""
    scene = Scene(Path(folder))
    Path(folder, "commit").write_text(scene.commit(FILES))
    write_file(f"{folder}/home/{SETTINGS}", json.dumps({"sockets": str(_SOCKETS)}).encode())
    home = _home(folder)
    make_folders(home)
    environment = asyncio.run(scene.ports.environments.prepare(f"{folder}/repository", "", os.devnull))
    assert zygotes_of(home).wake(environment)


@dataclass(frozen=True, slots=True)
class _Jobs:
    """The jobs of one round."""

    home: Home
    round_: int
    tell: Tell

    async def run(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        """Run a job to its end; what came of it, empty where it failed."""
        request = JobRequest(f"{kind}-{self.round_}", kind, JUDGED.service, body)
        folder = job_folder(str(self.home.folder), request.job)
        write_file(f"{folder}/request.json", json.dumps(to_json(request)).encode())
        await job_main(str(self.home.folder), request.job, job_ports(self.home))
        result: dict[str, Any] = json.loads(Path(folder, "result.json").read_bytes())
        if result["state"] != "done":
            say(f"the {kind} failed: {result['trouble']}: {result['words']}")
            assert self.round_ == 1, "the next attempt fails too"
        self.tell(f"{kind} {result['state']} {result['trouble']}")
        return dict(result["result"])


async def _live(folder: str, tell: Tell, round_: int) -> None:
    home = _home(folder)
    os.environ[JOB_MARK] = _mark(folder)
    jobs = _Jobs(home, round_, tell)
    asked = {
        "repository": f"{folder}/repository",
        "commit": Path(folder, "commit").read_text(),
        "folder": "",
        "spec": to_json(JUDGED),
    }
    with held(str(home.store)):
        built = await jobs.run("build", {**asked, "build_key": "blake3:" + "0" * 64})
        if not built:
            return
        tell(f"release {built['release']}")
        judged = {"champion": "", "best": "", "policy": "p", "provenance": built["provenance"]}
        judged |= {"release": built["release"], "signature": built["signature"]}
        verdict = await jobs.run("gate", {**asked, **judged})
        if verdict:
            tell(f"scores {verdict['scores']}")
            tell(f"verdict {verdict['verdict']}")


async def _wrong(folder: str, told: Sequence[tuple[int, str]]) -> list[str]:
    words = [word.split(" ") for _, word in told]
    kept = [word[1] for word in words if word[0] in ("release", "scores")]
    store = str(_home(folder).store)
    ports = job_ports(_home(folder))
    found = complaints(store, kept)
    listed = {blob.digest for blob in await ports.artifacts.blobs()}
    found += [f"{one} is half visible" for one in sorted(listed) if digest_of(await ports.artifacts.read(one)) != one]
    for release in {word[1] for word in words if word[0] == "release"}:
        files = read_manifest(await ports.artifacts.read(Digest(release)))
        found += [f"{file.path} of the release is not stored" for file in files if file.digest not in listed]
    found += [f"unclear: {word}" for word in words if word[1] == "failed" and word[2] not in DISK_TROUBLES]
    if {word[1] for word in words if word[0] == "verdict"} != {"pass"}:
        found.append(f"the verdicts are not the same: {words}")
    return [*found, *_torn_results(folder), *_orphans(folder)]


def _torn_results(folder: str) -> list[str]:
    found = []
    for path in sorted(_home(folder).control.glob("jobs/*/result.json")):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            found.append(f"{path} is torn")
    return found


def _orphans(folder: str) -> list[str]:
    """Processes of the jobs that still run; whoever guards one sees its job's death within a second."""
    deadline = time.monotonic() + ORPHAN_SECONDS_MAX
    while left := [*_running(folder)]:
        if time.monotonic() > deadline:
            return left
        time.sleep(0.05)
    return []


def _running(folder: str) -> Iterator[str]:
    for member in families.marked(f"{JOB_MARK}={_mark(folder)}"):
        yield f"process {member.pid} still runs"
    forked = members("windlass.serving.zygote", str(_SOCKETS))
    if len(forked) > 1:  # a fork has the command line of its zygote
        yield f"of the zygote and its forks there run {sorted(forked)}"


def _home(folder: str) -> Home:
    return home_at(Path(folder, "home"))


def _mark(folder: str) -> str:
    return f"{folder}/walked"


JOB = Life("job", _live, _wrong, _ready, _with_sockets)
