"""The slice that sites are told."""

import pytest

from windlass.delivery.placements.decide import decide as place
from windlass.delivery.placements.decide import placed
from windlass.delivery.placements.types import Placed, PlacementView
from windlass.delivery.services.decide import decide, routes, slice_of
from windlass.delivery.services.types import ReplicaSet, Route, ServiceView
from windlass.kernel.instants import Instant

NOW = Instant(1_800_000_000_000)


def view(champion: str, candidate: str, share: float) -> ServiceView:
    """A service with a champion and a candidate at some share."""
    return ServiceView("s", champion, candidate, share, "s3", "s/r3", "v1", "", 10.0, True, ("bad",), ())


@pytest.mark.parametrize(
    ("champion", "candidate", "share", "expected"),
    [
        ("", "", 0.0, ()),
        ("v1", "", 0.0, (Route("v1", 10_000, "champion"),)),
        ("v1", "v2", 0.05, (Route("v1", 9_500, "champion"), Route("v2", 500, "candidate"))),
        ("v1", "v2", 0.00001, (Route("v1", 10_000, "champion"),)),
        ("v1", "v2", 1.0, (Route("v2", 10_000, "candidate"),)),
        ("", "v1", 1.0, (Route("v1", 10_000, "candidate"),)),
        ("", "v1", 0.05, (Route("v1", 10_000, "candidate"),)),
    ],
)
def test_weights_sum_to_the_whole(champion: str, candidate: str, share: float, expected: tuple[Route, ...]) -> None:
    """The champion gets what the candidate does not, and nobody gets a route without a share."""
    found = routes(view(champion, candidate, share))
    assert expected == found
    assert sum(route.weight for route in found) == (10_000 if found else 0)


def test_a_service_says_who_answers() -> None:
    """The services stage names releases and shares, or that nobody answers."""
    assert "v1 at 95%, v2 at 5%" == decide(view("v1", "v2", 0.05), NOW).because.sentence()
    assert ("silent", "no release is live yet") == (
        decide(view("", "", 0.0), NOW).move,
        decide(view("", "", 0.0), NOW).because.sentence(),
    )


def test_a_slice_carries_all_that_a_site_needs() -> None:
    """Replicas, way back, salt and quarantine travel with the routes; only a canary has a limit for lonely sites."""
    replicas = (Placed("v1", 2, 512), Placed("v2", 2, 512))
    found = slice_of(view("v1", "v2", 0.05), replicas)
    assert found is not None
    assert (ReplicaSet("v1", 2, 512), ReplicaSet("v2", 2, 512)) == found.replicas
    assert ("s", "s3", "s/r3", "v1", ("bad",)) == (
        found.service,
        found.step_id,
        found.salt,
        found.way_back,
        found.banned,
    )
    assert found.alone is not None
    alone = slice_of(view("v1", "", 0.0), replicas)
    assert alone is not None
    assert alone.alone is None
    assert slice_of(view("", "", 0.0), ()) is None


@pytest.mark.parametrize(
    ("releases", "move", "because"),
    [
        ((), "none", "no release gets traffic"),
        (("v1",), "place", "1 replica for one release"),
    ],
)
def test_placements(releases: tuple[str, ...], move: str, because: str) -> None:
    """Every release with traffic has the file's number of replicas."""
    wanted = PlacementView(releases, 1, 0)
    decision = place(wanted, NOW)
    assert (move, because) == (decision.move, decision.because.sentence())
    assert tuple(Placed(release, 1, 0) for release in releases) == placed(wanted)
    assert "2 replicas for each of 2" in place(PlacementView(("a", "b"), 2, 0), NOW).because.sentence()
