"""Where a rollout begins when few callers come."""

from dataclasses import replace

from tests.planner.test_plan import NOW, calls, counted, report
from windlass.kernel.instants import later
from windlass.planner.plan import plan
from windlass.planner.types import Snapshot
from windlass.testing.stories import tell, waiting, wanted


def test_few_callers_make_a_larger_first_step() -> None:
    """Where the default first step would last over a day, the rollout begins with half of the traffic, and says why;
    where the rate is not known, as after a gap or a silent site, it begins as the file says."""
    quiet = Snapshot(later(NOW, seconds=3600), waiting("pass"), plan_generation=7)
    seen = report(counted("s2", "v1", calls(40)))
    started, step = (fact.body for fact in plan(replace(quiet, sites=(seen,))).facts)
    assert ((0.5, 1.0), 0.5) == (started.shares, step.share)
    assert "the gate passed; a first step of 5% would take 15 d" in started.because
    busy = report(counted("s2", "v1", calls(4000)))
    unknown = [
        replace(quiet, sites=(busy,)),
        replace(quiet, sites=()),
        replace(quiet, sites=(report(gap=True),)),
        replace(quiet, sites=(seen,), silent=("other",)),
        replace(quiet, sites=(seen,), now=later(NOW, seconds=1800)),
    ]
    assert [(0.05, 0.25, 0.5, 1.0)] * 5 == [plan(one).facts[0].body.shares for one in unknown]
    spec = {**quiet.state.wanted.spec, "rollout": {"steps": [0.1, 1.0]}} if quiet.state.wanted else {}
    declared = tell(quiet.state, wanted("v2", spec))
    assert (0.1, 1.0) == plan(replace(quiet, state=declared, sites=(seen,))).facts[0].body.shares
