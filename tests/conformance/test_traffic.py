"""Every gateway keeps the promises of its port."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.adapters.traffic.scenes import envoy_scene
from windlass.adapters.simulated.sockets import Socket
from windlass.adapters.simulated.traffic import SimulatedTraffic
from windlass.adapters.simulated.world import SimulatedClock
from windlass.ports.traffic import Endpoints
from windlass.testing.conformance.traffic import Scenes, TrafficConformance


class SimulatedScene:
    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.traffic = SimulatedTraffic(self.clock, sockets=self._at)

    def endpoints(self, service: str, release: str) -> Endpoints:
        return Endpoints(service, release, ("/r/somewhere",))

    def abandoned(self) -> str:
        return "/r/nobody"

    def _at(self, path: str) -> Socket:
        return Socket.REFUSES if path == self.abandoned() else Socket.ANSWERS

    async def send(self, service: str, requests: int) -> dict[str, int]:
        return {release: count for release, count in self.traffic.send(service, requests).items() if count}


class TestEnvoy(TrafficConformance):
    @pytest.fixture
    def scenes(self) -> Scenes:
        return envoy_scene


class TestSimulatedTraffic(TrafficConformance):
    @pytest.fixture
    def scenes(self) -> Scenes:
        @contextlib.asynccontextmanager
        async def scene() -> AsyncIterator[SimulatedScene]:
            found = SimulatedScene()
            await found.traffic.start()
            yield found

        return scene
