"""Releases: the words, the view and the reasons. A release is its content; where it came from are facts about it."""

from dataclasses import dataclass
from enum import StrEnum

from windlass.facts.state import ReleaseState


class ReleaseMove(StrEnum):
    NONE = "none"
    CANDIDATE = "candidate"  # this release is next: it is judged, and then it may get traffic
    ALREADY_LIVE = "already live"  # the newest commit leads to what is live
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class ReleasesView:
    """The releases that were made, in the order of their making, and which of them is live or under way.

    `newest` is the release of the newest built commit.
    """

    made: tuple[ReleaseState, ...]
    newest: ReleaseState | None
    live: str
    rolling: str
    quarantine: frozenset[str]


@dataclass(frozen=True, slots=True)
class NoRelease:
    def sentence(self) -> str:
        return "no release is waiting"


@dataclass(frozen=True, slots=True)
class Waiting:
    release: str
    commit: str

    def sentence(self) -> str:
        return f"release {self.release} of commit {self.commit} is the newest, and its gate decides"


@dataclass(frozen=True, slots=True)
class SameContent:
    commit: str
    release: str

    def sentence(self) -> str:
        return f"commit {self.commit} leads to release {self.release}, which is already live"


@dataclass(frozen=True, slots=True)
class InQuarantine:
    release: str

    def sentence(self) -> str:
        return f"release {self.release} is quarantined"
