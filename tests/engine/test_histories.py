"""What two facts say together: a gate that became looser, rows that were changed."""

from collections.abc import Sequence
from typing import Any

import pytest

from windlass.engine.histories import History
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.kernel.instants import Instant
from windlass.testing.stories import commit, made, release, wanted

STRICT, LOOSE, OTHER = ("roc_auc >= 0.70",), ("roc_auc >= 0.65",), ("roc_auc >= 0.70", "rows >= 10")
ROWS = "the held-out rows are not those that the champion was judged on"


def file(name: str, lines: Sequence[str], policy: str) -> kinds.ServiceWanted:
    """A commit's file with these lines under `gate:`."""
    return wanted(name, {"gate": [{"text": line} for line in lines]}, policy=policy)


def verdict(name: str, policy: str, holdout: str, champion: str = "") -> kinds.VerdictGiven:
    """A verdict under a policy, on some rows."""
    against = release(champion) if champion else ""
    return kinds.VerdictGiven(release(name), commit(name), against, "", "pass", "ok", policy=policy, holdout=holdout)


def history(*bodies: Any) -> History:
    """Facts in this order."""
    return History([Fact("s", Instant(number), body, number + 1) for number, body in enumerate(bodies)])


FIRST = (file("v1", STRICT, "p1"), verdict("v1", "p1", "rows 1"))
NOTES = [
    ("nothing changed", file("v2", STRICT, "p1"), verdict("v2", "p1", "rows 1", "v1"), []),
    (
        "looser",
        file("v2", LOOSE, "p2"),
        verdict("v2", "p2", "rows 1", "v1"),
        [f"gate loosened: {STRICT[0]} -> {LOOSE[0]}"],
    ),
    ("stricter", file("v2", OTHER, "p2"), verdict("v2", "p2", "rows 1", "v1"), []),
    ("other rows", file("v2", STRICT, "p1"), verdict("v2", "p1", "rows 2", "v1"), [ROWS]),
    (
        "both",
        file("v2", LOOSE, "p2"),
        verdict("v2", "p2", "rows 2", "v1"),
        [f"gate loosened: {STRICT[0]} -> {LOOSE[0]}", ROWS],
    ),
    ("no rows were read", file("v2", STRICT, "p1"), verdict("v2", "p1", "", "v1"), []),
    ("a file long ago", made("v2"), verdict("v2", "p0", "rows 1", "v1"), []),
    ("a champion long ago", file("v2", LOOSE, "p2"), verdict("v2", "p2", "rows 2", "v9"), []),
    ("no champion", file("v2", LOOSE, "p2"), verdict("v2", "p2", "rows 2"), []),
    ("not judged", file("v2", LOOSE, "p2"), made("v2"), []),
]


@pytest.mark.parametrize(("then", "judged", "notes"), [case[1:] for case in NOTES], ids=[case[0] for case in NOTES])
def test_what_made_a_verdict_easier(then: Any, judged: Any, notes: list[str]) -> None:
    """A verdict tells in what it was made easier than the champion's, and in nothing else."""
    assert tuple(notes) == history(*FIRST, then, judged).notes_on(release("v2"))


def test_the_newest_verdicts_are_compared() -> None:
    """A champion that was judged again on the new rows is what the candidate is held against."""
    again = (verdict("v2", "p1", "rows 1", "v1"), verdict("v1", "p1", "rows 2"), verdict("v2", "p1", "rows 2", "v1"))
    assert () == history(*FIRST, *again).notes_on(release("v2"))
    assert () == history(*FIRST, verdict("v1", "p1", "rows 2", "v1")).notes_on(release("v1"))


def test_a_commit_tells_how_its_gate_differs() -> None:
    """A wanted commit says what it changed in the gate of the one before; the first, and other facts, say nothing."""
    told = history(*FIRST, file("v2", LOOSE, "p2"), file("v3", LOOSE, "p2"), file("v4", STRICT, "p1"))
    assert [
        (),
        (),
        (f"gate loosened: {STRICT[0]} -> {LOOSE[0]}",),
        (),
        (f"gate changed: {LOOSE[0]} -> {STRICT[0]}",),
    ] == [told.changes_of(fact) for fact in told.facts]
