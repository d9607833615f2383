"""Ends of builds at the edges of what a story tells."""

from windlass.delivery.rollouts.acts import answer
from windlass.facts import types as kinds
from windlass.facts.state import ActState, ServiceState
from windlass.kernel.digests import short
from windlass.testing.stories import BEGINNING, SERVICE, build_key, commit, tell


def test_a_build_that_no_commit_wants_can_be_ended() -> None:
    """Where the wish for it was lost, a build that runs is still cancelled, for its own commit alone."""
    state = tell(ServiceState(SERVICE), kinds.BuildStarted(commit("v1"), build_key("v1"), "b"))
    cancelled, ended = answer(ActState("a-1", "abort", "ann", "", {}, BEGINNING), state, lambda _: "")
    assert kinds.BuildCancelled(commit("v1"), build_key("v1"), "ann", "") == cancelled
    words = f"the build of commit {short(commit('v1'))} is cancelled; `windlass retry` starts again"
    assert ("done", words) == (ended.outcome, ended.words)
    assert "cancelled by ann" == tell(state, cancelled).builds[build_key("v1")].words
