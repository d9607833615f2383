"""Everything that runs replicas keeps the promises of the port."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.adapters.replicas.scenes import replica_scene
from windlass.adapters.simulated.replicas import SimulatedReplicas
from windlass.adapters.simulated.world import SimulatedClock
from windlass.ports.replicas import ReplicaProcess
from windlass.testing.conformance.replicas import ReplicasConformance, Scenes


class SimulatedScene:
    good = "blake3:" + "a" * 64
    bad = "blake3:" + "b" * 64

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.replicas = SimulatedReplicas(self.clock)
        self.replicas.break_release(self.bad, "the weights are missing")

    async def crash(self, replica: ReplicaProcess) -> None:
        self.replicas.crash(replica.name)


class TestLocalReplicas(ReplicasConformance):
    @pytest.fixture
    def scenes(self) -> Scenes:
        return replica_scene


class TestSimulatedReplicas(ReplicasConformance):
    @pytest.fixture
    def scenes(self) -> Scenes:
        @contextlib.asynccontextmanager
        async def scene() -> AsyncIterator[SimulatedScene]:
            yield SimulatedScene()

        return scene
