"""What is known about each replica, in memory and in `processes.json`."""

import asyncio
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from windlass.adapters.processes.detached import Detached
from windlass.adapters.world import files
from windlass.kernel.instants import Instant
from windlass.kernel.records import from_json, to_json
from windlass.ports.environments import Environment
from windlass.ports.replicas import ReplicaWanted


@dataclass(frozen=True, slots=True)
class Record:
    """What is stored about a running replica, so that the next agent can adopt it."""

    wanted: ReplicaWanted
    pid: int
    started: str


@dataclass
class Replica:
    """One replica as this agent knows it. `work` is what goes on beside the caller: a start or a stop; `lone_in` is the
    environment in which it was started anew although others like it will be forked."""

    wanted: ReplicaWanted
    began: Instant
    process: Detached | None = None
    listener: socket.socket | None = None
    state: str = "starting"
    words: str = ""
    answered_at: Instant = Instant(0)
    health_at: Instant = Instant(0)
    work: asyncio.Task[None] | None = None
    lone_in: Environment | None = None

    def let_go(self) -> None:
        """Close our own hold on the listening socket."""
        if self.listener:
            self.listener.close()
            self.listener = None


def load(path: str, now: Instant) -> dict[str, Replica]:
    """The replicas that an earlier agent started; an unreadable file counts as none."""
    data = files.read_file(path)
    try:
        found = [from_json(Record, one) for one in json.loads(data)] if data else []
    except (ValueError, TypeError):
        found = []
    return {
        record.wanted.name: Replica(record.wanted, now, Detached(record.pid, record.started), answered_at=now)
        for record in found
    }


def save(path: str, replicas: Iterable[Replica]) -> None:
    """Store which processes run.

    Raises:
        Unavailable: the disk is full or fails.
    """
    found = [
        to_json(Record(one.wanted, one.process.pid, one.process.started)) for one in replicas if one.process is not None
    ]
    files.write_file(path, json.dumps(found).encode())
