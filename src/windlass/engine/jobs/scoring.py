"""Asking a release about rows, in a process of its own and in its own environment.

The process gets features without labels. What it answers is read from a file that it writes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from windlass.delivery.gates.lines import ProcessLine, parse_line
from windlass.delivery.gates.rows import Answers
from windlass.delivery.gates.stored import Scored
from windlass.delivery.releases.manifest import read_manifest
from windlass.delivery.sources.types import ServiceSpec
from windlass.engine.jobs.checkouts import BuildJob
from windlass.engine.jobs.training import check_trouble, command, surroundings
from windlass.kernel.digests import Digest, hex_of, parse_digest
from windlass.kernel.errors import Unavailable, clip
from windlass.ports.environments import Environment
from windlass.ports.processes import Ended, ModuleCall
from windlass.ports.tables import Table

EXIT_LOAD, EXIT_PREDICT = 3, 4  # as `windlass.serving.score` exits
NAME_HEX = 16


@dataclass(frozen=True, slots=True)
class Unscored:
    """The release itself is at fault: it cannot be loaded, it crashed, or it cannot answer. `words` are its last."""

    words: str


async def ask(release: str, table: Table | Path, job: BuildJob) -> Scored | Unscored:
    """The release's answers to every row of a table, or of a file of sample rows as a build recorded it.

    Raises:
        Unavailable: the release, its environment or the machine is not there now, or a limit ended the process.
    """
    digest = parse_digest(release)
    folder = await job.ports.artifacts.materialise(digest)
    environment = await _environment(digest, job)
    declared = json.loads(Path(folder, "run.json").read_bytes()).get("env", {})
    source = table if isinstance(table, Path) else _written(table, environment, job)
    output = Path(job.work.folder) / f"answers-{hex_of(digest)[:NAME_HEX]}-{source.stem}.json"
    arguments = ["--release", folder, "--input", str(source), "--output", str(output)]
    if not times_answers(job.spec):
        arguments += ["--singles", "0"]
    call = ModuleCall(environment, "windlass.serving.score", tuple(arguments), forkable=not declared)
    seen = surroundings(job, environment, declared)
    ended = await job.ports.processes.run(command(call, seen, Path(job.work.folder), job))
    check_trouble("gate", ended)
    if ended.exit_code in (EXIT_LOAD, EXIT_PREDICT) or ended.exit_code < 0:
        return Unscored(_last_words(ended))
    if ended.exit_code:
        raise Unavailable(f"asking a release failed: {_last_words(ended)}", code="crash", where="gate")
    return _read(release, json.loads(output.read_bytes()), job.spec.data.score)


def times_answers(spec: ServiceSpec) -> bool:
    """Whether a line of the gate asks for latencies; measuring them takes as long as all the rest of the scoring."""
    lines = [parse_line(line.text) for line in spec.gate]
    return any(isinstance(line, ProcessLine) and line.name == "latency" for line in lines)


async def _environment(release: Digest, job: BuildJob) -> Environment:
    artifacts = job.ports.artifacts
    files = {file.path: file.digest for file in read_manifest(await artifacts.read(release))}
    lock = (await artifacts.read(files["env/lock.txt"])).decode()
    python = (await artifacts.read(files["env/python.txt"])).decode().strip()
    return await job.ports.environments.restore(lock, python, job.work.log)


def _written(table: Table, environment: Environment, job: BuildJob) -> Path:
    """The rows as a file that this environment can read: not every one holds a reader of Parquet."""
    if any(line.startswith("pyarrow==") for line in environment.lock.splitlines()):
        path = Path(job.work.folder) / "rows.parquet"
        job.ports.tables.write(str(path), table)
        return path
    path = Path(job.work.folder) / "rows.json"
    rows = [dict(zip(table.columns, row, strict=True)) for row in zip(*table.columns.values(), strict=True)]
    path.write_text(json.dumps(rows, default=str), encoding="utf-8")
    return path


def _read(release: str, said: Mapping[str, Any], score: str) -> Scored | Unscored:
    if score and score not in said["outputs"]:
        return Unscored(f'it answers no "{clip(score)}", which data: names as its score')
    own = said["outputs"][score] if score else None
    answers = Answers(release, said["prediction"], said["probability"], said["classes"] or (), own)
    return Scored(answers, [milliseconds / 1000 for milliseconds in said["latency_ms"]], said["peak_memory_bytes"])


def _last_words(ended: Ended) -> str:
    lines = [line for line in ended.tail.splitlines() if line.strip()]
    return clip(lines[-1]) if lines and ended.exit_code > 0 else ended.words
