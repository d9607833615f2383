"""Placements: the words, the view and the reasons."""

from dataclasses import dataclass
from enum import StrEnum


class PlacementMove(StrEnum):
    NONE = "none"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Placed:
    """So many replicas of one release."""

    release: str
    count: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class PlacementView:
    """The releases that get traffic, and what the file says about replicas."""

    releases: tuple[str, ...]
    replicas: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class ReplicasWanted:
    releases: int
    replicas: int

    def sentence(self) -> str:
        if not self.releases:
            return "no release gets traffic"
        replicas = f"{self.replicas} replica{'s' if self.replicas != 1 else ''}"
        return f"{replicas} for {'one release' if self.releases == 1 else f'each of {self.releases} releases'}"
