"""A job's process: one build or one gate, run to its end. User code runs in children of it, never in it."""

import asyncio
import os

from windlass.adapters.artifacts import FileArtifacts
from windlass.adapters.environments.holding import held
from windlass.adapters.environments.local import LocalEnvironments
from windlass.adapters.git import PygitRepositories, secrets_of
from windlass.adapters.machine import LocalMachine
from windlass.adapters.processes.local import LocalProcesses
from windlass.adapters.processes.priority import session_aside
from windlass.adapters.tables import FileTables
from windlass.adapters.world import RealClock, RealDisk
from windlass.engine.jobs.run import JobPorts, job_main
from windlass.main.zygotes import zygotes_of
from windlass.sdk.homes import Home


def run_job(home: Home, job: str) -> int:
    """The exit code: 0 once the result is written."""
    session_aside()  # alone: replicas are forked from the zygotes that this process wakes
    with held(str(home.store)):
        return asyncio.run(job_main(str(home.folder), job, job_ports(home)))


def job_ports(home: Home) -> JobPorts:
    """The real ones of this home."""
    processes = LocalProcesses(zygotes=zygotes_of(home))
    return JobPorts(
        clock=RealClock(),
        disk=RealDisk(),
        machine=LocalMachine(str(home.folder)),
        git=PygitRepositories(str(home.control / "git"), secrets_of(os.environ)),
        artifacts=FileArtifacts(str(home.store)),
        environments=LocalEnvironments(str(home.store), processes),
        processes=processes,
        tables=FileTables(),
    )
