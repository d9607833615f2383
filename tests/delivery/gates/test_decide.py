"""When a release is judged, and when its verdict stands."""

from dataclasses import replace
from pathlib import Path

import pytest

from windlass.delivery.gates.decide import decide
from windlass.delivery.gates.types import GateMove, GateView, Refusal, VerdictSeen
from windlass.facts.observed import JobSeen
from windlass.kernel.instants import Instant, later
from windlass.testing.tables import Row, read_table

NOW = Instant(1_800_000_000_000)
RELEASE = "blake3:" + "a" * 64


def view_of(row: Row) -> GateView:
    """The view that a row of moves.txt describes."""
    state, _, words = row["job"].partition(" ")
    seen = VerdictSeen(row["verdict"], "so it is", row["against"], row["lines"], "c1") if row["verdict"] else None
    said = "" if words == "-" else words
    job = JobSeen("j", "gate", "fraud", state, 0, progress=said, words=said) if words else None
    broken_at = later(NOW, seconds=-float(row["since"]))
    return GateView(
        RELEASE, row["commit"], "live", "p1", seen, bool(state), job, int(row["broke"]), broken_at, "disk full"
    )


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("moves.txt")), ids=lambda row: row.where)
def test_moves(row: Row) -> None:
    """Every row of moves.txt is what the gate does next, why, and what it waits for."""
    decision = decide(view_of(row), NOW)
    until = decision.until.words if decision.until else ""
    assert (row["move"], row["because"], row["until"]) == (decision.move, decision.because.sentence(), until)


def test_what_a_person_cancelled_is_not_judged_again_by_itself() -> None:
    """A cancelled judgement waits for a person or another commit; a verdict that still holds is not undone by it."""
    stopped = GateView(RELEASE, "c1", "live", "p1", broken_words="cancelled by ann: too slow", cancelled=True)
    decision = decide(stopped, NOW)
    words = f"the gate of release {'a' * 12} was cancelled by ann: too slow"
    assert (GateMove.NONE, words) == (decision.move, decision.because.sentence())
    assert decision.until is not None
    assert "another commit, or `windlass retry`" == decision.until.words
    holds = replace(stopped, verdict=VerdictSeen("pass", "so it is", "live", "p1", "c1"))
    assert "gate pass: so it is" == decide(holds, NOW).because.sentence()


@pytest.mark.parametrize("refusal", list(Refusal))
def test_a_refusal_waits_for_its_own_way_out(refusal: Refusal) -> None:
    """Where the gate could not judge, more labelled rows are not what is waited for."""
    seen = VerdictSeen("unsure", "so it is", "live", "p1", "c1", refusal)
    until = decide(GateView(RELEASE, "c1", "live", "p1", seen), NOW).until
    assert until is not None
    assert refusal.until() == until.words
    assert "more labelled rows" not in until.words
    assert 1 == [one.until() for one in Refusal].count(until.words)


def test_a_holdout_that_is_nowhere_waits_for_its_path() -> None:
    """The remedy of a missing holdout is to correct the path, or to put the file there."""
    assert Refusal.MISSING.until().startswith("`data.holdout` leads to a file: correct it in a commit, or put the file")


def test_without_a_release_nothing_is_judged() -> None:
    """An empty service waits for a release and says so."""
    decision = decide(GateView("", "", "", ""), NOW)
    assert (GateMove.NONE, "no release waits for a verdict") == (decision.move, decision.because.sentence())


def test_a_wait_for_the_next_attempt_knows_its_instant() -> None:
    """The planner may sleep until the next attempt is due."""
    broken_at = later(NOW, seconds=-5)
    decision = decide(GateView(RELEASE, "c1", "", "p1", attempt=1, broken_at=broken_at, broken_words="disk"), NOW)
    assert decision.until is not None
    assert later(NOW, seconds=10) == decision.until.at
