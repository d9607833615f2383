"""What is observed and may be observed again: replaceable, kept in memory, never a fact by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from windlass.facts.counts import SiteReport
from windlass.kernel.instants import Instant


@dataclass(frozen=True, slots=True)
class JobSeen:
    """One job as it is now. `state` is running, done (with a result), or failed.

    `trouble` says whose fault a failure is: user, network, disk, limit, cancelled, crash.
    """

    job: str
    kind: str
    service: str
    state: str
    began: int
    progress: str = ""
    result: Mapping[str, object] = field(default_factory=dict)
    trouble: str = ""
    words: str = ""
    log: str = ""  # where the output lies


@dataclass(frozen=True, slots=True)
class SiteSeen:
    """A site's newest report and the instant of its arrival."""

    report: SiteReport
    at: Instant
