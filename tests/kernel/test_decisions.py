"""A decision and an outcome carry what the next reader needs, and nothing has to be said twice."""

from windlass.kernel.decisions import Decision, Said, Until
from windlass.kernel.instants import Instant
from windlass.kernel.outcomes import Done, Failed, Stuck, Wait


def test_a_stored_reason_says_itself() -> None:
    """A sentence that comes back from a fact is its own reason."""
    assert "the gate said no" == Said("the gate said no").sentence()


def test_a_decision_needs_a_move_and_a_reason_only() -> None:
    """What a decision waits for and its evidence are absent unless they are given."""
    decision = Decision("hold", Said("soaking"))
    assert (None, ()) == (decision.until, decision.evidence)
    assert (
        Until("the soak ends", Instant(5))
        == Decision("hold", Said("soaking"), Until("the soak ends", Instant(5))).until
    )
    assert Until("the gate passes").at is None


def test_an_attempt_that_changed_nothing_is_done() -> None:
    """Done says that nothing was changed unless it is told otherwise, and a wait may have no instant."""
    assert not Done().changed
    assert Wait("a replica starts").at is None
    assert "free some disk" == Stuck("the disk is full", "free some disk").remedy
    assert "no connection" == Failed("no connection").words
