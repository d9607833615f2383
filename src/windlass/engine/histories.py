"""What earlier facts say about later ones: a gate that became looser, held-out rows that were changed.

A fact is told by itself in `facts/sentences.py`; here two are compared, so that nobody has to read them side by side.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from windlass.delivery.gates.changes import OTHER_ROWS, gate_changes
from windlass.facts.ledger import Fact
from windlass.facts.types import ServiceWanted, VerdictGiven

KINDS = ("ServiceWanted", "VerdictGiven")
FACTS_MAX = 200  # what a champion was judged by is seldom further away than some dozen commits


@dataclass(frozen=True, slots=True)
class History:
    """The newest commits and verdicts of one service, in their order."""

    facts: Sequence[Fact]

    def changes_of(self, fact: Fact) -> tuple[str, ...]:
        """How the gate of a wanted commit differs from that of the one before; nothing for other facts."""
        if not isinstance(fact.body, ServiceWanted):
            return ()
        earlier = [one.body for one in self.facts if one.number < fact.number and isinstance(one.body, ServiceWanted)]
        return tuple(gate_changes(_lines(earlier[-1]), _lines(fact.body))) if earlier else ()

    def notes_on(self, release: str) -> tuple[str, ...]:
        """In what the newest verdict on a release was made easier than that on the champion it was compared with: by
        looser lines, or on other rows."""
        verdict = self._newest_verdict(release)
        if verdict is None or not verdict.champion or verdict.champion == release:
            return ()
        champions = self._newest_verdict(verdict.champion)
        if champions is None:
            return ()
        files = self._gates()
        before, now = files.get(champions.policy), files.get(verdict.policy)
        loosened = gate_changes(before, now) if before is not None and now is not None else []
        notes = [words for words in loosened if words.startswith("gate loosened")]
        other_rows = verdict.holdout and champions.holdout and verdict.holdout != champions.holdout
        return (*notes, OTHER_ROWS) if other_rows else tuple(notes)

    def _newest_verdict(self, release: str) -> VerdictGiven | None:
        found = (fact.body for fact in reversed(self.facts) if isinstance(fact.body, VerdictGiven))
        return next((body for body in found if body.release == release), None)

    def _gates(self) -> Mapping[str, Sequence[str]]:
        """The lines of the gate by the digest of the policy that they are part of."""
        return {fact.body.policy: _lines(fact.body) for fact in self.facts if isinstance(fact.body, ServiceWanted)}


def _lines(wanted: ServiceWanted) -> list[str]:
    lines = wanted.spec.get("gate", ())
    assert isinstance(lines, Iterable)
    return [str(line["text"]) for line in lines if isinstance(line, Mapping)]
