"""What the simulator puts in the world's place keeps the same promises, as far as it has no disk."""

from collections.abc import Mapping

import pytest

from windlass.adapters.simulated.git import SimulatedGit
from windlass.adapters.simulated.store import SimulatedArtifacts, SimulatedLeftovers
from windlass.adapters.simulated.world import SimulatedClock, SimulatedDisk
from windlass.kernel.instants import Instant
from windlass.ports.leftovers import Leftover
from windlass.testing.conformance.artifacts import BlobsConformance
from windlass.testing.conformance.clock import ClockConformance
from windlass.testing.conformance.disk import DiskConformance
from windlass.testing.conformance.git import GitReadingConformance
from windlass.testing.conformance.leftovers import LeftoversConformance


class SimulatedScene:
    """History in a simulated repository."""

    def __init__(self, git: SimulatedGit) -> None:
        self.git = git
        self.repository = "/repo"

    def commit(self, branch: str, files: Mapping[str, bytes], subject: str) -> str:
        """Commit exactly these files on top of a branch."""
        return self.git.commit(self.repository, subject, files, branch=branch)

    def rewind(self, branch: str, commit: str) -> None:
        """Let a branch point at an older commit."""
        self.git.branches[self.repository, branch] = commit

    def drop(self, branch: str) -> None:
        """Delete a branch."""
        del self.git.branches[self.repository, branch]


class TestSimulatedClock(ClockConformance):
    @pytest.fixture
    def clock(self) -> SimulatedClock:
        return SimulatedClock()


class TestSimulatedDisk(DiskConformance):
    @pytest.fixture
    def disk(self) -> SimulatedDisk:
        return SimulatedDisk()

    @pytest.fixture
    def folder(self) -> str:
        return "/home"


class TestSimulatedArtifacts(BlobsConformance):
    @pytest.fixture
    def artifacts(self) -> SimulatedArtifacts:
        return SimulatedArtifacts(SimulatedClock())


class TestSimulatedGit(GitReadingConformance):
    @pytest.fixture
    def git(self) -> SimulatedGit:
        return SimulatedGit()

    @pytest.fixture
    def scene(self, git: SimulatedGit) -> SimulatedScene:
        return SimulatedScene(git)


class TestSimulatedLeftovers(LeftoversConformance):
    @pytest.fixture
    def leftovers(self) -> SimulatedLeftovers:
        lying = [("log", "b"), ("job", "build-1"), ("log", "a"), ("environment", "e")]
        return SimulatedLeftovers(tuple(Leftover(kind, name, 5, Instant(0)) for kind, name in lying))
