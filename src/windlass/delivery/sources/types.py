"""One service as its `windlass.yaml` wants it, with every default filled in; and one commit as it was read.

The registry of keys (`registry.py`) is the source of the defaults, the schema and the reference page; these records
hold the result. Quantities are numbers here: shares 0 to 1, durations in seconds, sizes in bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from windlass.facts.repositories import RepositoryState
from windlass.facts.state import ServiceState
from windlass.kernel.errors import Complaint


@dataclass(frozen=True, slots=True)
class DataSpec:
    """What the service learns from and is judged on. Locations are a path relative to the service's folder, an absolute
    path or a URL. `entries` holds every named data set but the holdout, `train` among them."""

    entries: Mapping[str, str] = field(default_factory=dict)
    holdout: str = ""
    label: str = ""
    positive: str | int | float | bool | None = None
    score: str = ""
    id: str = ""
    unit: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """An absolute limit of a live release: `errors <= 1%` or `p99 <= 300ms`.

    `family` is errors or latency; `quantile` 0.99 for p99 (0 for errors); `bound` a share, or seconds. What is not
    `declared` is the default: a canary that is shown to be no worse than its champion may be above it.
    """

    line: str
    family: str
    quantile: float
    bound: float
    declared: bool = False


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    strategy: str = "canary"
    steps: tuple[float, ...] = (0.05, 0.25, 0.5, 1.0)
    unit: str = ""  # the request header whose value is the assignment unit; empty: each request by itself
    limits: tuple[LimitSpec, ...] = (LimitSpec("errors <= 1%", "errors", 0.0, 0.01),)
    time_limit_seconds: float = 86_400.0
    unsure: str = "ask"  # what happens at the time limit: ask or back
    newer: str = "wait"  # wait or replace
    soak_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class FreezeWindow:
    """A weekly window without movement of traffic, in minutes since Monday 00:00 of the service's zone."""

    line: str
    begin_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class GateLine:
    """One line under `gate:` as written, and where. Its meaning is parsed by the gates stage."""

    text: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    service: str
    train: str = ""
    artifact: str = ""
    run: str = ""
    pin: str = ""
    model: str = ""  # which file of the output is the model, where there are several; or "module:Class"
    allow: tuple[str, ...] = ()
    test: str = ""
    python: str = ""
    owner: str = ""
    timezone: str = "UTC"
    env: Mapping[str, str] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)
    data: DataSpec = field(default_factory=DataSpec)
    gate: tuple[GateLine, ...] = ()
    breaking: bool = False
    rollout: RolloutSpec = field(default_factory=RolloutSpec)
    freeze: tuple[FreezeWindow, ...] = ()
    replicas: int = 1
    memory_bytes: int = 0  # 0: 80 % of the machine's memory
    build_seconds_max: float = 3600.0
    timeout_seconds: float = 10.0
    idempotent: bool = True


class Entry(Protocol):
    """One path of a commit's tree, as `ports/git.py: TreeEntry` has it. `kind` is file, executable, link or
    submodule."""

    @property
    def path(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def oid(self) -> str: ...

    @property
    def target(self) -> str: ...


@dataclass(frozen=True, slots=True)
class OurPython:
    """What a service runs in that says nothing about it: the minor version of the Python that runs Windlass, the
    platform, and the digest of the versions that are installed there."""

    version: str = ""
    platform: str = ""
    lock: str = ""


@dataclass(frozen=True, slots=True)
class CommitTree:
    """One commit as data: its entries, the content of the files that were asked for, and the digests of data that lies
    outside the commit, by path from the root of the repository or by absolute path; `ours` is the Python of those that
    ask for none."""

    entries: tuple[Entry, ...]
    files: Mapping[str, bytes]
    data_digests: Mapping[str, str] = field(default_factory=dict)
    ours: OurPython = OurPython()


@dataclass(frozen=True, slots=True)
class FoundService:
    """A service that a commit wants. `folder` is "" for the root; `build_key` covers everything that a build reads from
    the commit, the file and its data; `data` holds the digests in it of what the commit does not hold."""

    name: str
    folder: str
    path: str
    spec: ServiceSpec
    policy: str
    build_key: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that cannot be used. `name` is empty where not even the service's name can be read."""

    path: str
    folder: str
    name: str
    complaints: tuple[Complaint, ...]


@dataclass(frozen=True, slots=True)
class TreeReading:
    """Everything that one commit says. Unless it is `complete`, a service that is not in it may still be wanted."""

    services: tuple[FoundService, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class CommitRead:
    """The head of the watched branch. `forced` says that the commit read before is not its ancestor."""

    commit: str
    subject: str
    author: str
    forced: bool = False


@dataclass(frozen=True, slots=True)
class SourceView:
    """One watched repository at one moment: what was known, what the newest commit says, and every service of this
    home."""

    repository: RepositoryState
    commit: CommitRead
    reading: TreeReading
    services: Mapping[str, ServiceState]
