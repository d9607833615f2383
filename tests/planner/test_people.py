"""What people did at a lonely site becomes facts before anything is planned."""

import pytest

from tests.planner.test_plan import NOW, V1, V2, bodies, look, report
from windlass.facts import types as kinds
from windlass.facts.counts import JournalEntry
from windlass.facts.state import ServiceState
from windlass.site.acts import Asked, entry_for
from windlass.testing.stories import SERVICE, moving, promoted


def entry(verb: str, leaves: str, back: str = "", seq: int = 1, service: str = SERVICE) -> JournalEntry:
    """What a person did at the site."""
    return JournalEntry(seq, NOW, verb, service, leaves, back, "ann", "night")


@pytest.mark.parametrize(
    ("state", "done_at_site", "live_after", "quarantined"),
    [
        (moving(), entry("rollback", V2, V1), V1, {V2}),
        (moving(), entry("abort", V2, V1), V1, {V2}),
        (promoted(), entry("rollback", V2, V1), V1, {V2}),
        (promoted(), entry("pause", V2), V2, set()),
        (moving(), entry("pause", V2), V1, set()),
        (promoted(), entry("rollback", V1, ""), V2, set()),  # it left what nobody serves any more
        (moving(), entry("rollback", V2, V1, service="other"), V1, set()),
    ],
)
def test_journals_are_adopted_first(
    state: ServiceState, done_at_site: JournalEntry, live_after: str, quarantined: set[str]
) -> None:
    """What a person did at a lonely site becomes facts before anything is planned, and only once."""
    made_plan = look(state, report(journal=(done_at_site,)))
    assert (live_after, quarantined) == (made_plan.state.live, set(made_plan.state.quarantine))
    again = look(made_plan.state, report(journal=(done_at_site,)))
    assert not [body for body in bodies(again) if isinstance(body, kinds.SiteActed)]
    if done_at_site.service == SERVICE:
        assert {"local": 1} == dict(made_plan.state.journal_seen)
        assert made_plan.slice is not None
        assert (("local", 1),) == made_plan.slice.seen_entries


def test_a_pause_at_a_lonely_site_pauses_the_rollout() -> None:
    """The entry that a site makes of a pause holds the rollout once the control plane has adopted it."""
    first = look(moving())
    assert first.slice is not None
    paused = entry_for(Asked("pause", SERVICE, "ann", "night"), first.slice, 1, NOW)
    made_plan = look(first.state, report(journal=(paused,)))
    assert made_plan.state.rollout is not None
    assert "ann" in made_plan.state.rollout.paused_by
