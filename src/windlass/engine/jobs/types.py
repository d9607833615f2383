"""What every job has: its ports, and its own place on the disk."""

from collections.abc import Callable
from dataclasses import dataclass

from windlass.ports.artifacts import Artifacts
from windlass.ports.compute import JobRequest
from windlass.ports.environments import Environments
from windlass.ports.git import Git
from windlass.ports.machine import Machine
from windlass.ports.processes import Processes
from windlass.ports.tables import Tables
from windlass.ports.world import Clock, Disk


@dataclass(frozen=True, slots=True)
class JobPorts:
    clock: Clock
    disk: Disk
    machine: Machine
    git: Git
    artifacts: Artifacts
    environments: Environments
    processes: Processes
    tables: Tables


@dataclass(frozen=True, slots=True)
class JobWork:
    """One job. `folder` is its scratch folder, `log` takes the output of its commands, `progress` what it does now."""

    home: str
    request: JobRequest
    folder: str
    log: str
    progress: Callable[[str], None]
