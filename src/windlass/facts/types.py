"""Every fact type. A fact is stored once, never changed, and carries who or what made it true.

`who` is a principal: `ann` for a person, `windlass` for the loop, `site/local` for a site.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from windlass.kernel.instants import Instant

# -- sources ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RepositoryWatched:
    """`up` was told to watch a branch. `repository` is a local path or a URL without credentials."""

    repository: str
    branch: str
    who: str


@dataclass(frozen=True, slots=True)
class CommitSeen:
    """The watched branch points at a new commit. `forced` says that the old one is not its ancestor."""

    repository: str
    branch: str
    commit: str
    subject: str
    author: str
    forced: bool = False


@dataclass(frozen=True, slots=True)
class SourceComplained:
    """Something at the source is wrong; what runs keeps running. An empty `complaints` says that all is well again."""

    repository: str
    commit: str
    complaints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceWanted:
    """A commit's `windlass.yaml` was read: this is the desired state of one service from now on.

    `spec` is the file with all defaults filled in (`delivery/sources/types.py: ServiceSpec` as JSON); `policy` the
    digest of the parts that need no rebuild; `build_key` the digest of everything that a build reads; `data` the
    digests in it of what the commit does not hold, by the name that the file gives it (`data.train`).
    """

    repository: str
    commit: str
    subject: str
    author: str
    folder: str
    spec: Mapping[str, object]
    policy: str
    build_key: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceRefused:
    """A commit's file cannot be used; the last good one stays desired."""

    repository: str
    commit: str
    complaints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceAbsent:
    """The service is gone from the branch. It keeps serving until `retire`."""

    commit: str


@dataclass(frozen=True, slots=True)
class CommitSkipped:
    """A commit was not built because a newer one came while another build ran."""

    commit: str
    newer: str


# -- builds and releases -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BuildStarted:
    """A build was ordered. `request` is all that the job needs, so that it can be started again after a crash."""

    commit: str
    build_key: str
    job: str
    attempt: int = 1
    request: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuildFailed:
    """`kind` says whose fault it is: user (its own exit code), network, disk, limit, cancelled, crash."""

    commit: str
    build_key: str
    kind: str
    words: str
    log: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class BuildCancelled:
    """A person ended a build that ran. It is not tried again by itself."""

    commit: str
    build_key: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReleaseMade:
    """A build ended in this release. Provenance: the same release can be made from many commits."""

    commit: str
    build_key: str
    release: str
    seconds: float
    size_bytes: int
    format: str  # onnx, skops, python, run
    signature: Mapping[str, object] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)  # data digests, parameters, environment, log


@dataclass(frozen=True, slots=True)
class AlreadyLive:
    """The commit leads to content that is live already: nothing to do."""

    commit: str
    release: str


# -- gates -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GateStarted:
    """A judgement was ordered; `request` is all that the job needs."""

    release: str
    champion: str
    job: str
    request: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VerdictGiven:
    """The gate's verdict on one release, with every check as `delivery/gates/types.py: CheckResult` JSON."""

    release: str
    commit: str
    champion: str
    best: str
    verdict: str  # pass, fail, unsure
    sentence: str
    checks: tuple[Mapping[str, object], ...] = ()
    policy: str = ""
    holdout: str = ""  # digest of the holdout's rows
    query: int = 0  # which query of the holdout's ledger this was; 0 spends none
    scores: str = ""  # digest of the stored scores, losses and labels
    seconds: float = 0.0
    job: str = ""
    refusal: str = ""  # what kept the gate from judging, as `delivery/gates/types.py: Refusal`; empty where it judged


@dataclass(frozen=True, slots=True)
class GateBroken:
    """The gate could not be run; no verdict exists."""

    release: str
    words: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class GateCancelled:
    """A person ended a judgement that ran; no verdict exists. It is not tried again by itself."""

    release: str
    who: str
    reason: str


# -- rollouts ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RolloutStarted:
    """Traffic begins to move. `champion` is empty for the first release, which goes straight to all of it."""

    rollout: str
    release: str
    commit: str
    champion: str
    shares: tuple[float, ...]
    because: str


@dataclass(frozen=True, slots=True)
class StepTaken:
    """The share of the rollout's release changed. `step` counts from 0; `step_id` is what the gateway logs."""

    rollout: str
    step: int
    step_id: str
    share: float
    because: str
    evidence: tuple[str, ...] = ()
    edges: tuple[int, ...] = ()  # microseconds, from the champion's counts before the step; empty: too few
    who: str = "windlass"


@dataclass(frozen=True, slots=True)
class RolloutEnded:
    """`outcome` is promoted, rolled_back, aborted, superseded or replaced; `counts` holds the totals that were used."""

    rollout: str
    release: str
    outcome: str
    because: str
    evidence: tuple[str, ...] = ()
    counts: Mapping[str, object] = field(default_factory=dict)
    who: str = "windlass"


@dataclass(frozen=True, slots=True)
class ReleaseSuperseded:
    """A release that passed its gate never got traffic, because a newer one did."""

    release: str
    newer: str


@dataclass(frozen=True, slots=True)
class ReleasesForgotten:
    """Their files are about to be removed, since nothing can reach them; an equal commit builds again."""

    releases: tuple[str, ...]
    who: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """This content and this build key are not deployed again until a person lifts it."""

    release: str
    build_key: str
    because: str
    who: str = "windlass"


@dataclass(frozen=True, slots=True)
class QuarantineLifted:
    release: str
    who: str
    reason: str


# -- people ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ActAsked:
    """A person asked for something that the next pass carries out: promote, abort, pause, resume, rollback, retry,
    retire, freeze, sync. `arguments` are the verb's own (full, now, override, to, until, release)."""

    act: str  # an id, so that the same request is carried out once
    verb: str
    who: str
    reason: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActEnded:
    """What an act came to: done or refused, in words."""

    act: str
    verb: str
    outcome: str
    words: str


@dataclass(frozen=True, slots=True)
class OverrideMade:
    """A person promoted a release whose gate did not pass: the one exception to 'never raises a share'."""

    release: str
    verdict: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Frozen:
    """No traffic moves until `until` or `resume`; commits are still built and judged."""

    who: str
    reason: str
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Thawed:
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Paused:
    rollout: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    rollout: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Retried:
    """A person asked for another attempt: a failed build is forgotten, a broken or unsure gate judges again.

    `fresh_env` builds even what was built, with its requirements resolved anew.
    """

    release: str
    build_key: str
    who: str
    reason: str
    fresh_env: bool = False


@dataclass(frozen=True, slots=True)
class Retired:
    """The service is taken down for good; its facts stay."""

    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class SiteActed:
    """A person acted at a site while it was alone; adopted from its journal, once per (site, seq)."""

    site: str
    seq: int
    verb: str
    leaves: str
    returns_to: str
    who: str
    reason: str
