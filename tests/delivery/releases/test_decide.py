"""Which release is the next candidate."""

import pytest

from windlass.delivery.releases.decide import decide
from windlass.delivery.releases.types import ReleaseMove, ReleasesView
from windlass.facts.state import ReleaseState
from windlass.kernel.instants import Instant

NOW = Instant(1_800_000_000_000)


def record(name: str, made: int = 0, verdict: str = "", **more: object) -> ReleaseState:
    """A release made at some second."""
    made_at = Instant(NOW + made)
    return ReleaseState(name, f"commit-{name}", name, f"key-{name}", made_at, "skops", 1, verdict=verdict, **more)  # type: ignore[arg-type]


V1, V2, V3 = record("v1", 1), record("v2", 2, "pass"), record("v3", 3)


@pytest.mark.parametrize(
    ("view", "move", "because"),
    [
        (ReleasesView((), None, "", "", frozenset()), "none", "no release is waiting"),
        (
            ReleasesView((V1,), V1, "", "", frozenset()),
            "candidate",
            "release v1 of commit commit-v1 is the newest, and its gate decides",
        ),
        (ReleasesView((V1,), V1, "v1", "", frozenset()), "already live", "commit commit-v1 leads to release v1, which"),
        (ReleasesView((V1, V2), V2, "v1", "", frozenset({"v2"})), "quarantined", "release v2 is quarantined"),
        (ReleasesView((V1, V2), V2, "v1", "v2", frozenset()), "none", "no release is waiting"),
        (ReleasesView((V2, V3), V3, "v1", "", frozenset()), "candidate", "release v3"),
        (ReleasesView((V2, record("v3", 3, "fail")), None, "v1", "", frozenset()), "candidate", "release v2"),
        (ReleasesView((V2, record("v3", 3, "unsure")), None, "v1", "", frozenset()), "candidate", "release v2"),
        (ReleasesView((V2, record("v3", 3, "fail", overridden=True)), None, "v1", "", frozenset()), "candidate", "v3"),
        (ReleasesView((record("v2", 2, fate="superseded"),), None, "v1", "", frozenset()), "none", "no release"),
    ],
)
def test_candidates(view: ReleasesView, move: str, because: str) -> None:
    """The newest release that may still pass is next; live, moving, ended and quarantined ones are not."""
    decision = decide(view, NOW)
    assert move == decision.move
    assert because in decision.because.sentence()
    assert (decision.move is ReleaseMove.CANDIDATE) is bool(decision.evidence)
