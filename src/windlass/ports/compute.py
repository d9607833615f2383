"""Jobs: builds and gates that run to an end in processes of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from windlass.facts.observed import JobSeen as JobSeen


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What is to be run. `job` is chosen by the caller: starting the same job twice starts it once."""

    job: str
    kind: str  # build, gate
    service: str
    body: Mapping[str, object]
    seconds_max: float = 3600.0
    memory_bytes_max: int = 0  # 0: 80 % of the machine's memory


def job_folder(home: str, job: str) -> str:
    """Where a job's request, progress, result and scratch folder lie."""
    return f"{home}/control/jobs/{job}"


def job_log(home: str, request: JobRequest) -> str:
    """Where the output of a job's commands is kept, longer than the job itself."""
    return f"{home}/control/logs/{request.kind}/{request.service}-{request.job}.txt"


class Compute(Protocol):
    """Runs jobs. All verbs are idempotent."""

    async def start(self, request: JobRequest) -> None:
        """Start the job, unless it is known already."""
        ...

    async def look(self) -> tuple[JobSeen, ...]:
        """Every job that is known and not forgotten, sorted by its id."""
        ...

    async def stop(self, job: str) -> None:
        """End the job's process group; it is seen as failed with trouble `cancelled`."""
        ...

    async def forget(self, job: str) -> None:
        """The result is a fact now: drop the job's working files (its log stays)."""
        ...
