"""Two real releases and a job that judges them: what the tests of the gate stand on."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.engine.jobs.scene import Result, Scene, table
from windlass.delivery.gates.stored import StoredScores, read_scores
from windlass.delivery.sources.types import DataSpec, GateLine, ServiceSpec
from windlass.engine.jobs.run import job_main
from windlass.facts.types import VerdictGiven
from windlass.kernel.digests import Digest
from windlass.kernel.records import from_json, to_json
from windlass.ports.compute import JobRequest, job_folder
from windlass.ports.environments import Environment
from windlass.ports.processes import Command, Ended, ModuleCall, Processes

LINES = ("accuracy >= 0.55", "roc_auc not worse than champion by 10pp", "latency p99 <= 10s", "memory <= 8Gi")

# A model of a few lines: what takes seconds to import would be imported in every process that is started here.
TRAIN = """
import json, os, pathlib

pathlib.Path(os.environ["WINDLASS_OUTPUT"], "weights.json").write_text(json.dumps([1, 5]))
"""
CLASS = """
import json, math, pathlib


class Model:
    classes = [0, 1]

    def setup(self, model: pathlib.Path) -> None:
        self.weights = json.loads((model / "weights.json").read_text())

    def predict(self, rows: list) -> dict:
        risks = [self.weights[0] * row["age"] + self.weights[1] * row["visits"] - 75 for row in rows]
        chances = [1 / (1 + math.exp(-risk / 20)) for risk in risks]
        return {
            "prediction": [int(chance > 0.5) for chance in chances],
            "probability": [[1 - chance, chance] for chance in chances],
        }
"""
FILES = {
    "windlass.yaml": "service: visits\n",
    "train.py": TRAIN,
    "model.py": CLASS,
    "data/train.csv": table(200, 1),
    "data/holdout.csv": table(50, 2),
}
COARSER = {"train.py": TRAIN.replace("[1, 5]", "[1, 1]"), "data/holdout.csv": table(300, 2)}
DATA = DataSpec({"train": "data/train.csv"}, "data/holdout.csv", label="ill", id="key")
SPEC = ServiceSpec("visits", train="python train.py", model="model:Model", data=DATA)
GONE = "blake3:" + "f" * 64


def spec(*lines: str, **changes: Any) -> ServiceSpec:
    """The service with a gate."""
    return replace(SPEC, gate=tuple(GateLine(line) for line in lines or LINES), **changes)


@dataclass
class World:
    """A repository with two builds: v1, and v2 that weighs its columns worse."""

    scene: Scene
    commits: list[str]
    builds: list[Result]

    def release(self, number: int) -> str:
        return self.builds[number].release

    def gate(self, number: int, wanted: ServiceSpec, processes: Processes | None = None, **body: Any) -> Result:
        """Judge a build on the rows of the second commit."""
        self.scene._jobs += 1
        build = self.builds[number]
        asked: dict[str, Any] = {
            "release": build.release,
            "champion": "",
            "best": "",
            "repository": str(self.scene.repository),
            "commit": self.commits[1],
            "folder": "",
            "spec": to_json(wanted),
            "policy": "blake3:policy",
            "provenance": build.provenance,
            "signature": build.body["signature"],
        }
        request = JobRequest(f"gate-{self.scene._jobs}", "gate", wanted.service, {**asked, **body})
        path = Path(job_folder(str(self.scene.home), request.job))
        path.mkdir(parents=True)
        (path / "request.json").write_text(json.dumps(to_json(request)))
        ports = replace(self.scene.ports, processes=processes or self.scene.ports.processes)
        assert 0 == asyncio.run(job_main(str(self.scene.home), request.job, ports))
        return self.scene.result(request)

    def verdict(self, number: int, wanted: ServiceSpec, **body: Any) -> VerdictGiven:
        """The fact that a judgement becomes."""
        result = self.gate(number, wanted, **body)
        assert result.state == "done", f"{result.words}\n{result.log}"
        return from_json(VerdictGiven, result.body)

    def scores(self, verdict: VerdictGiven) -> StoredScores:
        return read_scores(asyncio.run(self.scene.artifacts.read(Digest(verdict.scores))))

    def store(self, data: bytes) -> str:
        return asyncio.run(self.scene.artifacts.put(data))


def judging(root: Path) -> World:
    """Two commits, and what was built from them."""
    scene = Scene(root)
    commits = [scene.commit(FILES), scene.commit(COARSER)]
    return World(scene, commits, [scene.build(commit) for commit in commits])


def checks(verdict: VerdictGiven) -> dict[str, str]:
    """Each check's line with its verdict."""
    return {str(check["line"]).removeprefix("gate zero: "): str(check["verdict"]) for check in verdict.checks}


class Unused:
    """Nothing that is started, and no table that is read."""

    def __getattr__(self, verb: str) -> Any:
        raise AssertionError(f"nobody should {verb} here")


class Scripted:
    """Processes that end as they are told; one that ends well writes these answers."""

    def __init__(self, ended: Ended, answers: Mapping[str, Any]) -> None:
        self._ended = ended
        self._answers = answers

    async def run(self, command: Command) -> Ended:
        Path(given(command, "--output")).write_text(json.dumps(self._answers))
        return self._ended

    async def warm(self, environment: Environment) -> None:
        return None


def given(command: Command, option: str) -> str:
    """What a call of one of our modules gets for an option."""
    assert isinstance(command.argv, ModuleCall)
    return command.argv.arguments[command.argv.arguments.index(option) + 1]


ANSWERS = {
    "prediction": [0, 1] * 150,
    "probability": None,
    "classes": None,
    "outputs": {"risk": [0.1, 0.9] * 150},
    "latency_ms": [],
    "peak_memory_bytes": 1,
}
