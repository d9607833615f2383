"""Every line to the control plane keeps the promises of the port."""

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator

import pytest

from tests.adapters.uplink.scenes import ControlPlane
from windlass.adapters.simulated.uplink import SimulatedUplink
from windlass.facts.counts import SiteReport
from windlass.ports.sites import SignedPlan
from windlass.testing.conformance.uplink import Scenes, UplinkConformance


class SimulatedScene:
    def __init__(self) -> None:
        self.uplink = SimulatedUplink()

    def publish(self, plan: SignedPlan) -> None:
        self.uplink.plan = plan

    def reports(self) -> list[SiteReport]:
        return self.uplink.reports

    async def cut(self) -> None:
        self.uplink.is_cut = True


class TestHttpUplink(UplinkConformance):
    @pytest.fixture
    def scenes(self) -> Scenes:
        @contextlib.asynccontextmanager
        async def scene() -> AsyncIterator[ControlPlane]:
            folder = tempfile.mkdtemp(prefix="wl-")
            found = ControlPlane(folder)
            await found.open()
            yield found
            await found.uplink.close()
            await found.cut()
            shutil.rmtree(folder)

        return scene


class TestSimulatedUplink(UplinkConformance):
    @pytest.fixture
    def scenes(self) -> Scenes:
        @contextlib.asynccontextmanager
        async def scene() -> AsyncIterator[SimulatedScene]:
            yield SimulatedScene()

        return scene
