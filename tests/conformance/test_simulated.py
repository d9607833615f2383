"""What the simulator puts in the world's place keeps the same promises, as far as it has no disk."""

import asyncio
from collections.abc import Mapping

import pytest

from windlass.adapters.simulated.git import SimulatedGit
from windlass.adapters.simulated.store import SimulatedArtifacts, SimulatedLeftovers
from windlass.adapters.simulated.world import SimulatedClock, SimulatedDisk
from windlass.kernel.errors import Unavailable
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


@pytest.mark.parametrize("short", [0, 3, 200])
def test_a_short_write_leaves_a_part(short: int) -> None:
    """An append that is cut short says so and leaves some of its first bytes, never all; a replaced file stays."""

    async def story() -> tuple[bytes, bytes]:
        disk = SimulatedDisk({"/log": b"old ", "/file": b"old"}, short=short)
        for verb, path in ((disk.append, "/log"), (disk.write, "/file")):
            with pytest.raises(Unavailable):
                await verb(path, b"a new line")
        assert not disk.is_sound
        return disk.files["/log"], disk.files["/file"]

    log, file = asyncio.run(story())
    assert b"old" == file
    assert b"old a new line".startswith(log)
    assert len(log) < len(b"old a new lin")
