"""What everything that runs replicas keeps."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from windlass.ports.replicas import ReplicaProcess, Replicas, ReplicaWanted
from windlass.ports.world import Clock
from windlass.testing.conformance.runs import Runs

SECONDS_MAX = 60.0


class ReplicasScene(Protocol):
    """Something that runs replicas, of one release that works and one that cannot be loaded."""

    @property
    def replicas(self) -> Replicas:
        """The adapter, without replicas."""
        ...

    @property
    def clock(self) -> Clock:
        """Its clock."""
        ...

    @property
    def good(self) -> str:
        """A release whose replicas become ready."""
        ...

    @property
    def bad(self) -> str:
        """A release whose replicas fail."""
        ...

    async def crash(self, replica: ReplicaProcess) -> None:
        """Kill a replica's process."""
        ...


Scenes = Callable[[], AbstractAsyncContextManager[ReplicasScene]]


class ReplicasConformance(Runs):
    """Give a fixture `scenes` that opens a scene."""

    def test_a_replica_becomes_ready(self, scenes: Scenes) -> None:
        """A started replica is seen at once, and is ready after a while, with its process and its socket."""

        async def story() -> None:
            async with scenes() as scene:
                assert () == await scene.replicas.look()
                await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", scene.good))
                assert ["fraud-0"] == [one.name for one in await scene.replicas.look()]
                ready = await until(scene, "fraud-0", "ready")
                assert ("fraud", scene.good) == (ready.service, ready.release)
                assert ready.pid > 0
                assert ready.socket

        self.run(story())

    def test_starting_twice_starts_once(self, scenes: Scenes) -> None:
        """A repeated start leaves the running process alone."""

        async def story() -> None:
            async with scenes() as scene:
                await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", scene.good))
                first = await until(scene, "fraud-0", "ready")
                await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", scene.good))
                assert (first,) == await scene.replicas.look()

        self.run(story())

    def test_a_crash_is_seen_and_mended(self, scenes: Scenes) -> None:
        """A killed replica is seen as failed with a reason; started anew, another answers at the same socket."""

        async def story() -> None:
            async with scenes() as scene:
                await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", scene.good))
                first = await until(scene, "fraud-0", "ready")
                await scene.crash(first)
                failed = await until(scene, "fraud-0", "failed")
                assert failed.words
                await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", scene.good))
                second = await until(scene, "fraud-0", "ready")
                assert first.socket == second.socket
                assert first.pid != second.pid

        self.run(story())

    def test_a_model_that_cannot_be_loaded_fails(self, scenes: Scenes) -> None:
        """A release whose model cannot be loaded is seen as failed, and says why."""

        async def story() -> None:
            async with scenes() as scene:
                await scene.replicas.start(ReplicaWanted("fraud-0", "fraud", scene.bad))
                assert (await until(scene, "fraud-0", "failed")).words

        self.run(story())

    def test_a_stopped_replica_is_gone(self, scenes: Scenes) -> None:
        """Stopping ends a replica and leaves the others; stopping again, or an unknown one, is no error."""

        async def story() -> None:
            async with scenes() as scene:
                for name in ("fraud-1", "fraud-0"):
                    await scene.replicas.start(ReplicaWanted(name, "fraud", scene.good))
                await until(scene, "fraud-0", "ready")
                await until(scene, "fraud-1", "ready")
                assert ["fraud-0", "fraud-1"] == [one.name for one in await scene.replicas.look()]
                for name in ("fraud-0", "fraud-0", "nobody"):
                    await scene.replicas.stop(name, 1.0)
                await until(scene, "fraud-0", "gone")
                assert ["fraud-1"] == [one.name for one in await scene.replicas.look()]

        self.run(story())


async def until(scene: ReplicasScene, name: str, state: str) -> ReplicaProcess:
    """Look until a replica is in a state; `gone` means that it is not seen any more."""
    began = scene.clock.now()
    while True:
        seen = {one.name: one for one in await scene.replicas.look()}
        found = seen.get(name) or ReplicaProcess(name, "", "", "gone", "")
        if found.state == state:
            return found
        assert scene.clock.now() - began < SECONDS_MAX * 1000, f"{name} is still {found}"
        await scene.clock.sleep(0.05)
