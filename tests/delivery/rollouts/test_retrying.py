"""What `retry` of a release says: what follows from it now depends on what serves, waits, moves and is frozen."""

from typing import Any

import pytest

from windlass.delivery.rollouts.acts import answer
from windlass.facts import types as kinds
from windlass.facts.state import ActState, ServiceState
from windlass.kernel.digests import short
from windlass.planner.views import candidate_of
from windlass.testing.stories import (
    BEGINNING,
    build_key,
    commit,
    first_release,
    judged,
    live,
    made,
    moving,
    release,
    tell,
    wanted,
)

V1, V2, V3 = release("v1"), release("v2"), release("v3")
NOT_NEXT = "is allowed again, but not next: it is judged once a commit leads to it again"


def quarantined(*later: Any) -> ServiceState:
    """A state in which v2 was sent into quarantine, and what came later."""
    back = kinds.RolloutEnded("r3", V2, "rolled_back", "harm shown")
    return tell(moving(), back, kinds.Quarantined(V2, build_key("v2"), "harm shown"), *later)


@pytest.mark.parametrize(
    ("state", "named", "words"),
    [
        (live(), V1, "serves already"),
        (quarantined(), V2, "is judged again now, and rolled out if its gate passes"),
        (
            quarantined(kinds.Frozen("ann", "holiday")),
            V2,
            "is judged again now; if its gate passes, it waits for `windlass resume`",
        ),
        (
            tell(moving(), wanted("v3"), made("v3"), kinds.Quarantined(V3, build_key("v3"), "odd")),
            V3,
            "is judged again now, and rolled out if its gate passes; the rollout under way ends first",
        ),
        (quarantined(wanted("v3"), made("v3"), judged("v3", champion="v1")), V2, NOT_NEXT),
        (quarantined(wanted("v3"), made("v3"), judged("v3", "fail", "v1")), V2, "is judged again now"),
        (quarantined(wanted("v1"), kinds.AlreadyLive(commit("v1"), V1)), V2, NOT_NEXT),
        (quarantined(*first_release("v3")), V2, NOT_NEXT),
    ],
)
def test_retry_says_what_follows(state: ServiceState, named: str, words: str) -> None:
    """The words name the release and its commit, and tell whether it is judged now, later, or not by itself."""
    subject = state.releases[named].subject
    ended = answer(
        ActState("a-1", "retry", "ann", "because", {"release": short(named)}, BEGINNING), state, candidate_of
    )[-1]
    head = f'release {short(named)} of commit {short(commit(subject))} "{subject}" '
    assert ("done", True) == (ended.outcome, ended.words.startswith(head + words)), ended.words
