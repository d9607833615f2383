"""What a plan must never say, and a plan in words."""

from dataclasses import replace

import pytest

from windlass.delivery.services.types import ReplicaSet, Route, ServiceSlice
from windlass.facts import types as kinds
from windlass.facts.state import ServiceState
from windlass.kernel.digests import short
from windlass.planner.check import contradictions
from windlass.planner.diff import diff_in_words
from windlass.planner.types import ServicePlan
from windlass.testing.stories import SERVICE, live, moving, release, tell, waiting

V1, V2 = release("v1"), release("v2")
BOTH = (ReplicaSet(V1, 1), ReplicaSet(V2, 1))


def one(*routes: Route, replicas: tuple[ReplicaSet, ...] = BOTH, banned: tuple[str, ...] = ()) -> ServiceSlice:
    """A slice with these routes."""
    return ServiceSlice(SERVICE, "s1", routes, replicas, banned=banned)


CANARY = one(Route(V1, 9_500, "champion"), Route(V2, 500, "candidate"))


@pytest.mark.parametrize(
    ("before", "after", "wanted", "words"),
    [
        (live(), live(), None, ()),
        (moving(), moving(), CANARY, ()),
        (live(), live(), one(Route(V1, 9_999, "champion")), ("the weights sum to 9999 of 10000",)),
        (
            live(),
            live(),
            one(Route(V1, 10_100, "champion"), Route(V2, -100, "candidate")),
            ("the weights sum to 10000 of 10000",),
        ),
        (
            moving(),
            tell(moving(), kinds.Quarantined(V2, "", "slow")),
            CANARY,
            (f"release {short(V2)} is quarantined and would serve",),
        ),
        (
            moving(),
            moving(),
            replace(CANARY, replicas=(ReplicaSet(V1, 1), ReplicaSet(V2, 0))),
            (f"release {short(V2)} would get traffic without a replica",),
        ),
    ],
)
def test_contradictions(
    before: ServiceState, after: ServiceState, wanted: ServiceSlice | None, words: tuple[str, ...]
) -> None:
    """Wrong sums, quarantined releases and routes without replicas are never stored."""
    assert words == contradictions(before, ServicePlan(SERVICE, (), after, wanted))


@pytest.mark.parametrize("verdict", ["fail", "unsure"])
def test_a_share_rises_only_with_a_pass_or_an_override(verdict: str) -> None:
    """A plan that would raise the share of a release without a pass is refused; holding and lowering are not."""
    started = (
        kinds.RolloutStarted("r3", V2, "c", V1, (0.05, 1.0), "x"),
        kinds.StepTaken("r3", 0, "s3", 0.05, "x"),
    )
    after = tell(waiting(verdict), *started)
    words = (f"the share of release {short(V2)} would rise although its gate did not pass",)
    assert words == contradictions(live(), ServicePlan(SERVICE, (), after, CANARY))
    assert () == contradictions(after, ServicePlan(SERVICE, (), after, CANARY))
    allowed = tell(waiting(verdict), kinds.OverrideMade(V2, verdict, "ann", "x"), *started)
    assert () == contradictions(live(), ServicePlan(SERVICE, (), allowed, CANARY))


def test_a_plan_in_words() -> None:
    """Only what a caller could see is named: shares and quarantine."""
    whole = one(Route(V1, 10_000, "champion"), banned=(V2,))
    back = (
        *(f"share {short(name)}  {was} -> {now} %" for name, was, now in sorted([(V1, 95, 100), (V2, 5, 0)])),
        f"quarantine {short(V2)}",
    )
    assert back == diff_in_words(CANARY, whole)
    assert f"lift the quarantine of {short(V2)}" in diff_in_words(whole, CANARY)
    assert () == diff_in_words(CANARY, CANARY)
    assert (f"share {short(V1)}  0 -> 100 %",) == diff_in_words(None, one(Route(V1, 10_000, "champion")))
    assert (f"share {short(V1)}  100 -> 0 %",) == diff_in_words(one(Route(V1, 10_000, "champion")), None)
