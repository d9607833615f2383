"""How a freeze begins and ends: by an act of its own, or with a rollback."""

from windlass.delivery.rollouts.acts import answer
from windlass.facts import types as kinds
from windlass.facts.state import ActState, ServiceState
from windlass.kernel.instants import Instant, rfc3339
from windlass.testing.stories import BEGINNING, live, moving, promoted, tell


def after(verb: str, state: ServiceState, **arguments: object) -> tuple[ServiceState, str, str]:
    """The state after an act of ann's, its outcome and its words."""
    facts = answer(ActState("a-1", verb, "ann", "because", arguments, BEGINNING), state, lambda _: "")
    ended = facts[-1]
    assert isinstance(ended, kinds.ActEnded)
    return tell(state, *facts), ended.outcome, ended.words


def test_freeze_and_resume() -> None:
    """`freeze` stops all movement until its end or `resume`."""
    until = BEGINNING + 60_000
    frozen, _, _ = after("freeze", live(), until=until)
    assert frozen.freeze is not None
    assert ("ann", "because", until) == (frozen.freeze.who, frozen.freeze.reason, frozen.freeze.until)
    _, outcome, words = after("freeze", live(), until=BEGINNING)
    assert ("refused", f"the freeze would have ended at {rfc3339(BEGINNING)} already") == (outcome, words)
    for_ever, _, _ = after("freeze", live(), until=True)
    assert for_ever.freeze is not None
    assert for_ever.freeze.until is None
    thawed, _, _ = after("resume", frozen)
    assert thawed.freeze is None


def test_the_freeze_of_a_rollback_may_end_by_itself() -> None:
    """`rollback --until` freezes no longer than that, whichever way it goes back, and says so."""
    until = Instant(BEGINNING + 10**9)
    for state in (moving(), promoted()):
        back, outcome, words = after("rollback", state, until=until)
        assert back.freeze is not None
        assert ("done", until) == (outcome, back.freeze.until)
        assert f"frozen until {rfc3339(until)} or `windlass resume`" in words
        late, outcome, words = after("rollback", state, until=BEGINNING)
        assert ("refused", None, state.live) == (outcome, late.freeze, late.live)
        assert words.startswith("the freeze would have ended at ")
