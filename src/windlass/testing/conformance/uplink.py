"""What every line from a site to the control plane keeps."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import pytest

from windlass.facts.counts import JournalEntry, ReplicaSeen, SiteReport, StepCounts, Tally
from windlass.kernel.errors import Unavailable
from windlass.ports.sites import SignedPlan
from windlass.ports.uplink import Uplink
from windlass.testing.conformance.runs import Runs

PLAN = SignedPlan("local", 7, '{"payload": "ä"}', "00ff")
REPORT = SiteReport(
    "local",
    7,
    3,
    1_800_000_000_000,
    (StepCounts("fraud", "s1", "blake3:" + "a" * 64, Tally(5, 1, latency={70: 4}), Tally()),),
    (ReplicaSeen("fraud", "blake3:" + "a" * 64, "fraud-0", "ready"),),
    (JournalEntry(1, 2, "rollback", "fraud", "a", "b", "ann", "it lies"),),
    stuck={"fraud": "why"},
)


class UplinkScene(Protocol):
    """A line, and the control plane at its other end."""

    @property
    def uplink(self) -> Uplink:
        """The line."""
        ...

    def publish(self, plan: SignedPlan) -> None:
        """Lay out a plan at the control plane."""
        ...

    def reports(self) -> Sequence[SiteReport]:
        """What arrived there."""
        ...

    async def cut(self) -> None:
        """Let the control plane be gone."""
        ...


Scenes = Callable[[], AbstractAsyncContextManager[UplinkScene]]


class UplinkConformance(Runs):
    """Give a fixture `scenes` that opens a scene: no plan, no report."""

    def test_only_a_newer_plan_is_fetched(self, scenes: Scenes) -> None:
        """Without a plan, and with one that the site knows, there is nothing to fetch; a newer one comes unchanged."""

        async def story() -> None:
            async with scenes() as scene:
                assert await scene.uplink.fetch(0) is None
                scene.publish(PLAN)
                assert PLAN == await scene.uplink.fetch(0)
                assert PLAN == await scene.uplink.fetch(6)
                assert await scene.uplink.fetch(7) is None

        self.run(story())

    def test_a_report_arrives_unchanged(self, scenes: Scenes) -> None:
        """A report arrives with all of its counts, and repeating one is no error."""

        async def story() -> None:
            async with scenes() as scene:
                await scene.uplink.report(REPORT)
                await scene.uplink.report(REPORT)
                assert [REPORT, REPORT] == list(scene.reports())

        self.run(story())

    def test_a_control_plane_that_is_gone_is_unavailable(self, scenes: Scenes) -> None:
        """Both verbs say so when nobody answers, instead of waiting for ever."""

        async def story() -> None:
            async with scenes() as scene:
                scene.publish(PLAN)
                assert PLAN == await scene.uplink.fetch(0)
                await scene.cut()
                with pytest.raises(Unavailable):
                    await scene.uplink.fetch(0)
                with pytest.raises(Unavailable):
                    await scene.uplink.report(REPORT)

        self.run(story())
