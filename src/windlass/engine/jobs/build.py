"""One build: from a commit to a release.

The steps read top to bottom. The user's code runs in three of them, always in a process of its own: training, the
tests, and loading the model to see what it takes. What the release will hold of the service's code is set aside before
the first.
"""

import json
import posixpath
from collections.abc import Mapping
from pathlib import Path

from windlass.delivery.sources.keys import SPEC_NAME
from windlass.delivery.sources.types import ServiceSpec
from windlass.engine.jobs.apart import compared
from windlass.engine.jobs.bundles import store_files, store_manifest, write_records
from windlass.engine.jobs.checkouts import BuildJob, BuildRequest, Checkout, check_out, check_unchanged
from windlass.engine.jobs.models import copy_code, needs_code, take_model
from windlass.engine.jobs.signatures import Inspection, check_holdout, fetch_holdout, inspect, read_small, sample_table
from windlass.engine.jobs.training import Surroundings, run_line, seed_of, surroundings, with_variables
from windlass.engine.jobs.types import JobPorts, JobWork
from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.errors import UserMistake
from windlass.kernel.instants import seconds_between
from windlass.kernel.records import from_json, to_json
from windlass.ports.tables import Table


async def run_build(work: JobWork, ports: JobPorts) -> Mapping[str, object]:
    """Build a release; what the fact `ReleaseMade` says about it.

    Raises:
        UserMistake: the service's own files, code or data are at fault.
        Refused: the model is of a kind that must be allowed first.
        Unavailable: the network, the disk or a limit is at fault.
    """
    job = BuildJob(from_json(BuildRequest, work.request.body), work, ports)
    began = ports.clock.now()
    _check_kind(job.spec)
    release, output = _folders(work)
    work.progress("reading the commit")
    checkout = await check_out(job)
    await check_holdout(job)
    if needs_code(job.spec):
        copy_code(job.spec, job.request.folder, checkout, release)
    work.progress("preparing the environment")
    environment = await ports.environments.prepare(
        str(checkout.service), job.spec.python, work.log, fresh=job.request.fresh_env
    )
    await ports.processes.warm(environment)
    seen = surroundings(job, environment, job.spec.env)
    ran = await _run_lines(job, checkout, with_variables(seen, job.spec, checkout, output))
    found = take_model(job.spec, checkout, output, release)
    write_records(release, found, environment, job.spec.env)
    files = await store_files(release, ports.artifacts)
    work.progress("loading the model")
    holdout = await fetch_holdout(job)
    sample = sample_table(checkout, holdout, environment, job)
    inspected = await inspect(Inspection(release, found, environment, seen), sample, job)
    bundle = await store_manifest(files, inspected.signature, ports.artifacts)
    provenance = {
        **ran,
        **await _learned_from(job, checkout, holdout),
        "file": await _file(job),
        "environment": environment.digest,
        "python": environment.python_version,
        "sample": {"rows": await ports.artifacts.put(canonical_bytes(inspected.recorded))},
    }
    return {
        "release": bundle.release,
        "size_bytes": bundle.size_bytes,
        "format": found.format,
        "signature": json.loads(inspected.signature),
        "provenance": provenance,
        "seconds": seconds_between(began, ports.clock.now()),
    }


def _check_kind(spec: ServiceSpec) -> None:
    """An app and a pinned release have no model to build."""
    for key, value in (("run", spec.run), ("pin", spec.pin)):
        if value:
            raise UserMistake("is not built yet", code="not-yet", where=f"{key}:", remedy="write train: or artifact:")


def _folders(work: JobWork) -> tuple[Path, Path]:
    release, output = Path(work.folder) / "release", Path(work.folder) / "output"
    release.mkdir()
    output.mkdir()
    return release, output


async def _run_lines(job: BuildJob, checkout: Checkout, seen: Surroundings) -> dict[str, object]:
    """Train, and test what was trained; what provenance says about it."""
    spec, ran = job.spec, dict[str, object]()
    for key, line in (("train", spec.train), ("test", spec.test)):
        if line:
            job.work.progress(f"running {key}")
            ended = await run_line(key, line, seen, checkout.service, job)
            ran[key] = {"line": line, "seconds": ended.seconds, "peak_memory_bytes": ended.peak_memory_bytes}
        await check_unchanged(checkout, job.ports)
    return {**ran, "seed": seed_of(spec), "params": to_json(spec.params), "log": job.work.log, "env": sorted(spec.env)}


async def _file(job: BuildJob) -> dict[str, str]:
    """The service's file, as committed and with all defaults filled in; both stored."""
    request, artifacts = job.request, job.ports.artifacts
    path = posixpath.join(request.folder, SPEC_NAME)
    committed = await job.ports.git.read(request.repository, request.commit, path)
    filled = canonical_bytes(to_json(request.spec))
    return {"path": path, "committed": await artifacts.put(committed), "filled": await artifacts.put(filled)}


async def _learned_from(job: BuildJob, checkout: Checkout, holdout: Path | None) -> dict[str, object]:
    """The data of the build, and the rows that they have in common with the holdout."""
    job.work.progress("comparing the data with the holdout")
    tables = {name: read_small(data.path, job) for name, data in checkout.data.items()}
    data = {name: {"digest": one.digest, **_rows(tables[name])} for name, one in checkout.data.items()}
    found: dict[str, object] = {"data": {name.removeprefix("data."): one for name, one in data.items()}}
    held_out = read_small(holdout, job)
    if held_out is not None:
        found["holdout"] = {"digest": held_out.digest, **_rows(held_out)}
        learned = [table for name, table in tables.items() if name != "artifact" and table is not None]
        if learned:
            found["overlap"] = compared(learned, held_out, job.spec.data.id)
    return found


def _rows(table: Table | None) -> dict[str, int]:
    return {} if table is None else {"rows": table.rows}
