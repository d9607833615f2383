"""A decision carries what the next reader needs, and nothing has to be said twice."""

from dataclasses import dataclass

from windlass.kernel.decisions import Decision, Until
from windlass.kernel.instants import Instant


@dataclass(frozen=True)
class Said:
    """A reason of these tests."""

    words: str

    def sentence(self) -> str:
        return self.words


def test_a_decision_needs_a_move_and_a_reason_only() -> None:
    """What a decision waits for and its evidence are absent unless they are given."""
    decision = Decision("hold", Said("soaking"))
    assert (None, ()) == (decision.until, decision.evidence)
    assert (
        Until("the soak ends", Instant(5))
        == Decision("hold", Said("soaking"), Until("the soak ends", Instant(5))).until
    )
    assert Until("the gate passes").at is None
