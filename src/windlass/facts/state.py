"""The current state of one service: a fold of its facts, stored beside them and rebuilt from them by a test.

`fold` is the only place that says what a fact means for what is true now. It knows no policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from windlass.kernel.instants import NEVER, Instant


@dataclass(frozen=True, slots=True)
class Wanted:
    """The newest readable commit that touches the service."""

    repository: str
    commit: str
    subject: str
    author: str
    folder: str
    spec: Mapping[str, object]
    policy: str
    build_key: str
    at: Instant
    data: Mapping[str, str] = field(default_factory=dict)  # digests in the key of what the commit does not hold


@dataclass(frozen=True, slots=True)
class BuildState:
    """What is known about one build key. `state` is running, failed or made."""

    build_key: str
    commit: str
    state: str
    job: str
    attempt: int
    at: Instant
    words: str = ""
    kind: str = ""
    log: str = ""
    release: str = ""
    request: Mapping[str, object] = field(default_factory=dict)  # kept while the build runs
    cancelled_by: str = ""  # who ended it by hand; empty where nobody did


@dataclass(frozen=True, slots=True)
class ReleaseState:
    """One release and what became of it. `verdict` is empty, pass, fail or unsure; `fate` is empty, promoted,
    rolled_back, aborted, superseded, replaced."""

    release: str
    commit: str
    subject: str
    build_key: str
    made_at: Instant
    format: str
    size_bytes: int
    signature: Mapping[str, object] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)
    verdict: str = ""
    verdict_sentence: str = ""
    verdict_champion: str = ""
    verdict_checks: tuple[Mapping[str, object], ...] = ()
    verdict_policy: str = ""
    verdict_at: Instant = NEVER
    verdict_commit: str = ""
    verdict_refusal: str = ""
    scores: str = ""
    gate_job: str = ""
    gate_champion: str = ""  # against whom the running gate job judges
    gate_request: Mapping[str, object] = field(default_factory=dict)  # kept while the job runs
    gate_attempt: int = 0
    gate_words: str = ""
    gate_cancelled_by: str = ""  # who ended the last judgement by hand; empty where nobody did
    overridden: bool = False
    fate: str = ""
    fate_because: str = ""
    fate_at: Instant = NEVER


@dataclass(frozen=True, slots=True)
class StepState:
    step_id: str
    share: float
    edges: tuple[int, ...] = ()  # latency edges in microseconds; empty: the step says nothing of latency


@dataclass(frozen=True, slots=True)
class RolloutState:
    """The rollout that is under way. `paused_by` is empty while it moves by itself; `step` counts from 0, -1 before."""

    rollout: str
    release: str
    commit: str
    champion: str
    shares: tuple[float, ...]
    step: int
    step_id: str
    share: float
    began: Instant
    step_began: Instant
    steps_taken: tuple["StepState", ...]  # every step so far, for the evidence
    paused_by: str = ""
    paused_reason: str = ""


@dataclass(frozen=True, slots=True)
class FreezeState:
    who: str
    reason: str
    until: Instant | None
    at: Instant


@dataclass(frozen=True, slots=True)
class QuarantineState:
    release: str
    build_key: str
    because: str
    who: str
    at: Instant


@dataclass(frozen=True, slots=True)
class ActState:
    """An act that waits to be carried out."""

    act: str
    verb: str
    who: str
    reason: str
    arguments: Mapping[str, object]
    at: Instant


@dataclass(frozen=True, slots=True)
class ServiceState:
    """Everything the planner knows about one service from facts alone."""

    service: str
    generation: int = 0  # how many facts led here
    wanted: Wanted | None = None
    refused: tuple[str, ...] = ()  # complaints about a newer commit's file
    refused_commit: str = ""
    absent_since: str = ""
    builds: Mapping[str, BuildState] = field(default_factory=dict)
    releases: Mapping[str, ReleaseState] = field(default_factory=dict)
    live: str = ""
    live_since: Instant = NEVER
    previous: str = ""
    best: str = ""
    rollout: RolloutState | None = None
    steps_count: int = 0  # how many steps there ever were: the step in force is called s<steps_count>
    step_since: Instant = NEVER  # when the step in force began
    quarantine: Mapping[str, QuarantineState] = field(default_factory=dict)
    freeze: FreezeState | None = None
    acts: tuple[ActState, ...] = ()
    ledger: str = ""  # the stored scores of the newest verdict: the holdout ledger travels in them
    journal_seen: Mapping[str, int] = field(default_factory=dict)  # site -> last adopted entry
    fresh_env: str = ""  # the build key whose requirements the next build resolves anew
    retired: bool = False
