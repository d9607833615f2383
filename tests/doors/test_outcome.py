"""What `status --wait` tells CI about a commit."""

from pathlib import Path
from typing import Any

import pytest

from windlass.cli.exits import Exit, exit_of, worst
from windlass.cli.outcome import held, outcome, refused
from windlass.kernel.errors import Bug, Refused, Unavailable, UserMistake
from windlass.testing.tables import Row, read_table

COMMIT, OTHER = "aaaaaaaabbbbbbbb", "cccccccc"
MINE: dict[str, Any] = {"commit": COMMIT, "release": "blake3:1"}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "seen": ("CommitSeen", {"commit": COMMIT}),
    "wanted": ("ServiceWanted", {"commit": COMMIT}),
    "refused": ("ServiceRefused", {"commit": COMMIT}),
    "absent": ("ServiceAbsent", {"commit": COMMIT}),
    "skipped": ("CommitSkipped", {"commit": COMMIT}),
    "building": ("BuildStarted", {"commit": COMMIT}),
    "cancelled": ("BuildCancelled", {"commit": COMMIT}),
    "gate-cancelled": ("GateCancelled", {"release": "blake3:1"}),
    "made": ("ReleaseMade", MINE),
    "already-live": ("AlreadyLive", MINE),
    "override": ("OverrideMade", {"release": "blake3:1"}),
    "retried": ("Retried", {"release": "blake3:1"}),
    "started": ("RolloutStarted", MINE),
    "superseded": ("ReleaseSuperseded", {"release": "blake3:1"}),
    "other-made": ("ReleaseMade", {"commit": OTHER, "release": "blake3:2"}),
    "other-ended": ("RolloutEnded", {"release": "blake3:2", "outcome": "promoted"}),
}


def fact(word: str) -> dict[str, Any]:
    """The fact that a word of the table stands for, as the API gives it."""
    name, *more = word.split(":")
    if name == "failed":
        kind, body = "BuildFailed", {"commit": COMMIT, "kind": more[0], "attempt": int(more[1])}
    elif name == "verdict":
        kind, body = "VerdictGiven", MINE | {"verdict": more[0]}
    elif name == "broken":
        kind, body = "GateBroken", {"release": "blake3:1", "attempt": int(more[0])}
    elif name == "ended":
        kind, body = "RolloutEnded", {"release": "blake3:1", "outcome": more[0]}
    else:
        kind, body = KINDS[name]
    return {"kind": kind, "body": body, "sentence": kind}


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("outcomes.txt")), ids=str)
def test_outcomes(row: Row) -> None:
    """Every row of outcomes.txt is the code and the sentence that a wait for the commit ends with."""
    found = outcome([fact(word) for word in row["facts"].split(", ") if word], COMMIT[:8])
    assert (row["code"], row["sentence"]) == ((str(int(found.code)), found.sentence) if found else ("", ""))


def test_what_only_a_person_can_move_is_refused() -> None:
    """A quarantined release and a frozen service end the wait with code 13, and say who or what holds it."""
    build = {"commit": COMMIT, "release": "blake3:1"}
    frozen = {"who": "ann", "reason": "holiday"}
    passed = {"commit": COMMIT, "verdict": "pass"}
    assert (found := held({"builds": [build], "quarantine": [{"release": "blake3:1"}]}, COMMIT))
    assert (Exit.REFUSED, True) == (found.code, "windlass retry" in found.sentence)
    assert (found := held({"candidate": passed, "frozen": frozen}, COMMIT))
    assert (Exit.REFUSED, True) == (found.code, "ann: holiday" in found.sentence)
    assert held({"candidate": passed, "frozen": frozen, "rollout": {"step": 1}}, COMMIT) is None
    assert held({"candidate": passed | {"verdict": ""}, "frozen": frozen}, COMMIT) is None
    assert held({"builds": [build]}, COMMIT) is None


def test_a_verdict_that_still_holds_is_the_answer() -> None:
    """A commit that leads to a release that fell before ends with that verdict, unless it is judged again."""
    fell = {"commit": COMMIT, "verdict": "fail", "verdict_sentence": "too low"}
    item = {"candidate": fell, "state": "gate fail", "stages": [{"stage": "gates", "move": "none"}]}
    assert (found := held(item, COMMIT))
    assert (Exit.GATE_FAILED, True) == (found.code, "too low" in found.sentence)
    assert held(item | {"stages": [{"stage": "gates", "move": "start"}]}, COMMIT) is None
    assert held(item, OTHER) is None


@pytest.mark.parametrize(("commit", "is_told"), [("", True), (OTHER, True), ("dddddddd", True), (COMMIT, False)])
def test_the_newest_file_that_is_refused_ends_the_wait(commit: str, is_told: bool) -> None:
    """It is what the newest commit came to, and what each commit came to that changed nothing about it."""
    item = {"refused": ["windlass.yaml:3:1: trian"], "refused_commit": OTHER}
    found = refused(item, commit, "dddddddd")
    assert is_told == (found is not None and found.code is Exit.USAGE and "trian" in found.sentence)
    assert refused(item | {"refused": []}, commit, "dddddddd") is None


def test_several_services_have_one_code() -> None:
    """The first of tool error, rolled back, failed, refused and inconclusive that occurred is the code."""
    codes = [Exit.INCONCLUSIVE, Exit.REFUSED, Exit.GATE_FAILED, Exit.ROLLED_BACK, Exit.TOOL]
    for count in range(1, len(codes) + 1):
        assert codes[count - 1] is worst([Exit.DONE, *codes[:count]])
    assert Exit.DONE is worst([])


def test_the_branch_of_an_error_is_its_code() -> None:
    """A mistake is 2, a refusal 13, and what does not answer or is broken 1."""
    branches = {UserMistake: 2, Refused: 13, Unavailable: 1, Bug: 1}
    assert list(branches.values()) == [exit_of(branch("x", code="x")) for branch in branches]
