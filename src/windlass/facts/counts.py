"""Live evidence: integers per service, step and release that add up over replicas, sites and time.

`finished` counts every request that has ended; `settled` only those admitted longer ago than the time-out, so that each
has finished or counts as failed. Histogram keys are bucket indices of `maths/edges.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of some requests.

    `failed` holds 5xx answers, time-outs and resets; `refused` 400, 415 and 422; `retried` those that needed a retry;
    `synthetic` requests sent by `windlass send`; `latency` all answered requests by bucket of their duration.
    """

    requests: int = 0
    failed: int = 0
    refused: int = 0
    retried: int = 0
    synthetic: int = 0
    latency: Mapping[int, int] = field(default_factory=dict)

    def plus(self, other: "Tally") -> "Tally":
        """The sum of two."""
        return added((self, other))


NOTHING = Tally()


def added(tallies: Sequence[Tally]) -> Tally:
    """The sum: order and grouping never matter."""
    counted = [one for one in tallies if one.requests or one != NOTHING]
    if len(counted) <= 1:
        return counted[0] if counted else NOTHING
    latency = dict(counted[0].latency)
    for one in counted[1:]:
        for bucket, count in one.latency.items():
            latency[bucket] = latency.get(bucket, 0) + count
    return Tally(
        sum([one.requests for one in counted]),
        sum([one.failed for one in counted]),
        sum([one.refused for one in counted]),
        sum([one.retried for one in counted]),
        sum([one.synthetic for one in counted]),
        latency,
    )


@dataclass(frozen=True, slots=True)
class StepCounts:
    """The counts of one release during one step of one service, as one site reports them."""

    service: str
    step: str  # the step id, as in the route's name
    release: str  # the release digest
    finished: Tally = field(default_factory=Tally)
    settled: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class ReplicaSeen:
    """One replica as its site sees it."""

    service: str
    release: str
    name: str
    state: str  # starting, ready, draining, failed
    restarts: int = 0
    words: str = ""  # why it is not ready, for people
    since: int = 0  # instant of the last change of state


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Something a person did at the site while it was alone. The key is (site, seq)."""

    seq: int
    at: int
    verb: str  # rollback, abort, pause
    service: str
    leaves: str  # the release that got 0; of a pause, the one whose rollout stays as it is
    returns_to: str  # the release that got the traffic, empty for pause
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What a site says each second during a rollout, else on change and every 30 s. Totals are absolute."""

    site: str
    generation: int  # the plan that the gateway confirmed
    seq: int  # grows with every report of this site
    at: int  # the site's instant of counting
    counts: tuple[StepCounts, ...] = ()
    replicas: tuple[ReplicaSeen, ...] = ()
    journal: tuple[JournalEntry, ...] = ()
    gap: bool = False  # lines are missing from the access log: the counts are not evidence
    stuck: Mapping[str, str] = field(default_factory=dict)  # service -> what the site cannot apply
    boot: str = ""  # the agent's process: within one, `seq` grows
    unready: tuple[str, ...] = ()  # services whose wanted releases are not all ready
