"""A repository, a home and a job with real ports: what the tests of builds stand on."""

import asyncio
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pygit2
import pytest

from windlass.adapters.artifacts import FileArtifacts
from windlass.adapters.environments import LocalEnvironments
from windlass.adapters.git import GitSecrets, PygitRepositories
from windlass.adapters.machine import LocalMachine
from windlass.adapters.processes.local import LocalProcesses
from windlass.adapters.tables import FileTables
from windlass.adapters.world import RealClock, RealDisk
from windlass.delivery.releases.manifest import read_manifest
from windlass.delivery.sources.types import DataSpec, ServiceSpec
from windlass.engine.jobs import run
from windlass.engine.jobs.run import job_main
from windlass.engine.jobs.types import JobPorts
from windlass.kernel.digests import Digest
from windlass.kernel.records import to_json
from windlass.ports.compute import JobRequest, job_folder, job_log

TRAIN = """
import csv, os, pathlib
import numpy as np
import skops.io
from sklearn.linear_model import LogisticRegression

rows = list(csv.DictReader(open(os.environ["WINDLASS_DATA_TRAIN"])))
x = np.array([[float(row["age"]), float(row["visits"])] for row in rows])
y = np.array([int(row["ill"]) for row in rows])
model = LogisticRegression(random_state=int(os.environ["WINDLASS_SEED"])).fit(x, y)
skops.io.dump(model, pathlib.Path(os.environ["WINDLASS_OUTPUT"], "model.skops"))
print("trained on", len(rows), "rows")
"""


LIGHT = """
import csv, json, os, pathlib

rows = list(csv.DictReader(open(os.environ["WINDLASS_DATA_TRAIN"])))
ages = sorted(float(row["age"]) for row in rows if row["ill"] == "1")
pathlib.Path(os.environ["WINDLASS_OUTPUT"], "ages.json").write_text(json.dumps(ages))
print("trained on", len(rows), "rows")
"""

CLASS = """
import json, pathlib


class Model:
    def setup(self, model: pathlib.Path) -> None:
        self.middle = sorted(json.loads((model / "ages.json").read_text()))[0]

    def predict(self, rows: list) -> list:
        return [int(row["age"] >= self.middle) for row in rows]
"""


def table(rows: int, seed: int) -> str:
    """A CSV table in which age and visits say something about being ill."""
    chance = random.Random(seed)
    lines = ["key,age,visits,ill"]
    for number in range(rows):
        age, visits = chance.randrange(20, 90), chance.randrange(10)
        ill = int(age + 5 * visits + chance.gauss(0, 20) > 75)
        lines.append(f"{seed}-{number},{age},{visits},{ill}")
    return "\n".join(lines) + "\n"


FILES = {
    "windlass.yaml": "service: visits\n",
    "README.md": "# visits\n",
    "train.py": LIGHT,
    "model.py": CLASS,
    "data/train.csv": table(200, 1),
    "data/holdout.csv": table(50, 2),
}
DATA = DataSpec({"train": "data/train.csv"}, "data/holdout.csv", label="ill", id="key")
SPEC = ServiceSpec("visits", train="python train.py", model="model:Model", data=DATA)

# The same with scikit-learn, which takes seconds to import in every process that needs it.
SKLEARN_FILES = {name: content for name, content in FILES.items() if name != "model.py"} | {"train.py": TRAIN}
SKLEARN = replace(SPEC, model="")


class Scene:
    """One repository and one home."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.repository = root / "repository"
        self.git = pygit2.init_repository(str(self.repository))
        processes = LocalProcesses()
        store = str(self.home / "store")
        self.artifacts = FileArtifacts(store)
        self.ports = JobPorts(
            clock=RealClock(),
            disk=RealDisk(),
            machine=LocalMachine(str(self.home)),
            git=PygitRepositories(str(self.home / "control/git"), GitSecrets()),
            artifacts=self.artifacts,
            environments=LocalEnvironments(store, processes),
            processes=processes,
            tables=FileTables(),
        )
        self._jobs = 0

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: Mapping[str, str | bytes] = FILES) -> str:
        """Write files into the working copy and commit what Git does not ignore."""
        self.write(files)
        self.git.index.add_all()
        author = pygit2.Signature("Ann", "ann@example.org", 1_700_000_000, 0)
        parents = [] if self.git.head_is_unborn else [self.git.head.target]
        tree = self.git.index.write_tree()
        return str(self.git.create_commit("HEAD", author, author, "A commit", tree, parents))

    def request(self, commit: str, spec: ServiceSpec, folder: str = "", **limits: Any) -> JobRequest:
        """Lay a build's request into the home, as the compute adapter does; `data` are the digests in its key."""
        self._jobs += 1
        body = {"repository": str(self.repository), "commit": commit, "folder": folder}
        body |= {"spec": to_json(spec), "build_key": "blake3:" + "0" * 64, "data": limits.pop("data", {})}
        request = JobRequest(f"build-{self._jobs}", "build", spec.service, body, **limits)
        path = Path(job_folder(str(self.home), request.job))
        path.mkdir(parents=True)
        (path / "request.json").write_text(json.dumps(to_json(request)))
        return request

    def build(self, commit: str, spec: ServiceSpec = SPEC, folder: str = "", **limits: Any) -> "Result":
        """Run a build to its end."""
        request = self.request(commit, spec, folder, **limits)
        assert 0 == asyncio.run(job_main(str(self.home), request.job, self.ports))
        return self.result(request)

    def result(self, request: JobRequest) -> "Result":
        path = Path(job_folder(str(self.home), request.job))
        return Result(json.loads((path / "result.json").read_bytes()), Path(job_log(str(self.home), request)))

    def files(self, release: str) -> dict[str, bytes]:
        """The files of a stored release."""

        async def read() -> dict[str, bytes]:
            manifest = read_manifest(await self.artifacts.read(Digest(release)))
            return {file.path: await self.artifacts.read(file.digest) for file in manifest}

        return asyncio.run(read())

    def blob(self, digest: str) -> Any:
        return json.loads(asyncio.run(self.artifacts.read(Digest(digest))))


@contextmanager
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the jobs say that run now about their progress."""
    words: list[str] = []
    made = run._work
    with monkeypatch.context() as patched:
        patched.setattr(run, "_work", lambda *where: replace(made(*where), progress=words.append))
        yield words


class Result:
    """What a job said in the end."""

    def __init__(self, said: dict[str, Any], log: Path) -> None:
        self.state: str = said["state"]
        self.trouble: str = said["trouble"]
        self.words: str = said["words"]
        self.body: dict[str, Any] = said["result"]
        self.log = log.read_text()

    @property
    def release(self) -> str:
        assert self.state == "done", f"{self.trouble}: {self.words}\n{self.log}"
        return str(self.body["release"])

    @property
    def provenance(self) -> dict[str, Any]:
        assert self.state == "done", f"{self.trouble}: {self.words}\n{self.log}"
        return dict(self.body["provenance"])
