"""Jobs: those that the facts name are started, those that no fact names any more are stopped and forgotten."""

from collections.abc import Mapping
from typing import cast

from windlass.engine.ports import EnginePorts
from windlass.facts.state import ServiceState
from windlass.ports.compute import JobRequest, JobSeen

GATE_SECONDS_MAX = 1800.0  # a holdout of a million rows through a slow model


def wanted_jobs(services: Mapping[str, ServiceState]) -> dict[str, JobRequest]:
    """The jobs that the facts say are running, by their id."""
    found: dict[str, JobRequest] = {}
    for service, state in sorted(services.items()):
        for build in state.builds.values():
            if build.state == "running":
                found[build.job] = _build(service, build.job, build.request)
        for record in state.releases.values():
            if record.gate_job:
                found[record.gate_job] = JobRequest(
                    record.gate_job, "gate", service, record.gate_request, GATE_SECONDS_MAX
                )
    return found


def _build(service: str, job: str, request: Mapping[str, object]) -> JobRequest:
    spec = cast(Mapping[str, object], request.get("spec", {}))
    seconds, memory = spec.get("build_seconds_max", 3600.0), spec.get("memory_bytes", 0)
    return JobRequest(job, "build", service, request, float(cast(float, seconds)), int(cast(int, memory)))


async def apply_jobs(ports: EnginePorts, services: Mapping[str, ServiceState], seen: tuple[JobSeen, ...]) -> bool:
    """Start what is missing and end what nobody waits for; whether anything was done."""
    wanted = wanted_jobs(services)
    known = {job.job: job for job in seen}
    changed = False
    for name, request in wanted.items():
        if name not in known:
            await ports.compute.start(request)
            changed = True
    for name, job in known.items():
        if name in wanted:
            continue
        if job.state == "running":
            await ports.compute.stop(name)
        else:
            await ports.compute.forget(name)
        changed = True
    return changed
