"""A person ends a build: what ran is gone when the pass is over, and `retry` starts another one."""

import sys
from pathlib import Path
from typing import Any

from tests.engine.shop import run
from windlass.adapters.compute.local import LocalCompute
from windlass.adapters.processes import families
from windlass.delivery.rollouts.acts import answer
from windlass.engine.apply.jobs import apply_jobs
from windlass.facts import types as kinds
from windlass.facts.state import ActState, ServiceState
from windlass.testing.conformance.compute import until
from windlass.testing.stories import BEGINNING, SERVICE, commit, live, tell, wanted

JOBS = Path(__file__).parents[1] / "adapters" / "compute" / "jobs.py"


def asked(state: ServiceState, verb: str) -> ServiceState:
    """The state after an act of ann's."""
    return tell(state, *answer(ActState("a-1", verb, "ann", "too slow", {}, BEGINNING), state, lambda _: ""))


def test_a_cancelled_build_leaves_no_process(tmp_path: Path) -> None:
    """One pass after the act the build is gone with all that it started; it stays away until somebody retries."""
    compute = LocalCompute(str(tmp_path), (sys.executable, str(JOBS)))
    ports: Any = type("Ports", (), {"compute": compute})
    daemon = tmp_path / "control/jobs/b-1/daemon"
    begun = kinds.BuildStarted(commit("v2"), wanted("v2").build_key, "b-1", request={"act": "nest"})
    building = tell(live(), wanted("v2"), begun)

    async def apply(state: ServiceState) -> list[str]:
        await apply_jobs(ports, {SERVICE: state}, await compute.look())
        return [job.state for job in await compute.look()]

    async def scene() -> None:
        assert ["running"] == await apply(building)
        await until(compute, "b-1", lambda seen: daemon.exists() and daemon.read_text() != "")
        stubborn = int(daemon.read_text())
        stopped = asked(building, "abort")
        assert ["failed"] == await apply(stopped)
        left = families.member_of(stubborn)
        assert left is None or left.is_zombie
        assert [] == await apply(stopped)
        assert [] == await apply(stopped)
        assert wanted("v2").build_key not in asked(stopped, "retry").builds

    try:
        run(scene())
    finally:
        run(compute.forget("b-1"))
