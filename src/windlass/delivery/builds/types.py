"""Builds: the words, the view and the reasons."""

from dataclasses import dataclass
from enum import StrEnum

from windlass.facts.observed import JobSeen
from windlass.facts.state import BuildState, Wanted
from windlass.kernel.instants import Instant

ATTEMPTS_MAX = 3  # network and disk errors are often gone a minute later; after three somebody should look
RETRY_SECONDS = (15.0, 60.0)  # before the second and the third attempt


class BuildMove(StrEnum):
    NONE = "none"
    START = "start"
    WAIT = "wait"
    RECORD = "record"  # the running job has ended: make its result a fact
    REUSE = "reuse"  # an earlier build of the same key made the release


@dataclass(frozen=True, slots=True)
class BuildView:
    """What is wanted, what is known about its build key, and the job that runs for this service, if one does.

    `quarantined` says why the build key may not be deployed; `hold` why no build may start now (a full disk).
    """

    wanted: Wanted | None
    known: BuildState | None
    running: BuildState | None
    job: JobSeen | None
    quarantined: str = ""
    hold: str = ""


@dataclass(frozen=True, slots=True)
class NothingWanted:
    def sentence(self) -> str:
        return "no commit wants this service"


@dataclass(frozen=True, slots=True)
class Built:
    release: str

    def sentence(self) -> str:
        return f"built as {self.release}"


@dataclass(frozen=True, slots=True)
class BuildDue:
    commit: str
    attempt: int

    def sentence(self) -> str:
        again = f", attempt {self.attempt}" if self.attempt > 1 else ""
        return f"commit {self.commit} is not built yet{again}"


@dataclass(frozen=True, slots=True)
class BuildRuns:
    commit: str
    progress: str

    def sentence(self) -> str:
        return f"building commit {self.commit}" + (f": {self.progress}" if self.progress else "")


@dataclass(frozen=True, slots=True)
class BuildEnded:
    commit: str
    words: str

    def sentence(self) -> str:
        return f"the build of commit {self.commit} ended: {self.words}"


@dataclass(frozen=True, slots=True)
class BuildHeld:
    words: str

    def sentence(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class BuildStopped:
    """A person ended the build; `words` begin with "cancelled by"."""

    commit: str
    words: str

    def sentence(self) -> str:
        return f"the build of commit {self.commit} was {self.words}"


@dataclass(frozen=True, slots=True)
class BuildBroken:
    commit: str
    words: str
    next_at: Instant | None = None

    def sentence(self) -> str:
        return f"the build of commit {self.commit} failed: {self.words}"
