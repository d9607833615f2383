"""The next move of a rollout, rule by rule."""

from dataclasses import replace
from pathlib import Path

import pytest

from windlass.delivery.rollouts.decide import decide
from windlass.delivery.rollouts.types import (
    Evidence,
    Guardrail,
    HarmShown,
    Limits,
    Move,
    RolloutView,
    SiteView,
    WrongSplit,
)
from windlass.kernel.instants import Instant, later
from windlass.testing.tables import Row, read_table

NOW = Instant(1_800_000_000_000)


def view_of(row: Row) -> RolloutView:
    """The view that a row of the table describes."""
    moving = row["moving"] == "yes"
    step_began = later(NOW, seconds=-float(row["step"]))
    age = 1.0 if row["age"] == "gap" else float(row["age"])
    return RolloutView(
        candidate="blake3:2",
        champion="blake3:1",
        verdict="fail" if row["gate"] == "over" else row["gate"],
        overridden=row["gate"] == "over",
        moving=moving,
        step=0 if moving else -1,
        shares=(0.05, 0.25, 1.0),
        began=step_began,
        step_began=step_began,
        has_edges=row["edges"] == "yes",
        edges_ready=row["edges"] != "none",
        evidence=Evidence(
            canary_requests=int(row["requests"]),
            harm_e=float(row["harm"]),
            guardrails=(Guardrail("errors", float(row["safety"]), 100), Guardrail("latency", 1e6)),
            ratio_e=float(row["ratio"]),
        ),
        site=SiteView(later(NOW, seconds=-age), row["age"] == "gap", row["ready"] == "yes", 0, "it loads"),
        limits=Limits(),
        paused_by="ann" if row["who"] == "pause" else "",
        frozen_by="ann: audit" if row["who"] == "freeze" else "",
    )


ROWS = read_table(Path(__file__).with_name("moves.txt"))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_moves(row: Row) -> None:
    """Every row of moves.txt is what the rollout does next, and why."""
    decision = decide(view_of(row), NOW)
    assert (row["move"], row["because"]) == (decision.move, decision.because.sentence())


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_hold_says_what_it_waits_for(row: Row) -> None:
    """A rollout that holds names what ends the wait."""
    decision = decide(view_of(row), NOW)
    assert decision.move is not Move.HOLD or (decision.until is not None and decision.until.words)


SAFE = view_of(next(row for row in ROWS if row["move"] == "advance" and row["gate"] == "pass"))


@pytest.mark.parametrize("moving", [False, True])
def test_a_gate_that_could_not_judge_lacks_no_evidence(moving: bool) -> None:
    """What kept the gate from judging is not told as missing evidence."""
    decision = decide(replace(SAFE, verdict="unsure", refused=True, moving=moving), NOW)
    assert "the gate could not judge" == decision.because.sentence()


def test_nothing_waits() -> None:
    """Without a candidate nothing moves."""
    decision = decide(replace(SAFE, moving=False, candidate=""), NOW)
    assert (Move.NONE, "no release waits for traffic") == (decision.move, decision.because.sentence())


def test_the_first_release_goes_straight_to_all_of_the_traffic() -> None:
    """There is nothing to compare a first release with, so its gate is all it needs."""
    decision = decide(replace(SAFE, moving=False, champion=""), NOW)
    words = "it is the first release of this service: there is nothing to compare it with"
    assert (Move.STRAIGHT, words) == (decision.move, decision.because.sentence())


def test_the_first_release_is_live_once_its_replicas_are_ready() -> None:
    """A first release waits for nothing but its replicas."""
    first = replace(SAFE, champion="", evidence=Evidence(), step_began=NOW, shares=(1.0,))
    assert Move.PROMOTE is decide(first, NOW).move
    waiting = replace(first, site=replace(first.site, ready=False, words=""))
    decision = decide(waiting, NOW)
    assert (Move.HOLD, "its replicas are not ready yet") == (decision.move, decision.because.sentence())


@pytest.mark.parametrize(("step", "move"), [(0, Move.ADVANCE), (1, Move.PROMOTE), (2, Move.PROMOTE)])
def test_the_last_step_before_all_of_the_traffic_promotes(step: int, move: Move) -> None:
    """Evidence at 100 % compares nothing: the last share below it ends the rollout."""
    assert move is decide(replace(SAFE, step=step), NOW).move


def test_a_release_that_will_not_start_goes_back() -> None:
    """A replica that died three times before it was ready ends the rollout, with its last words."""
    view = replace(SAFE, site=replace(SAFE.site, ready=False, start_failures=3, words="no module named x"))
    decision = decide(view, NOW)
    expected = "its replica died 3 times before it was ready: no module named x"
    assert (Move.BACK, expected) == (decision.move, decision.because.sentence())
    again = replace(SAFE, site=replace(SAFE.site, ready=False, start_failures=2))
    assert Move.HOLD is decide(again, NOW).move


def test_unsure_back_goes_back_at_the_time_limit() -> None:
    """`unsure: back` turns silence at the time limit into the way back; the default asks a person."""
    late = replace(SAFE, began=later(NOW, seconds=-86_400.0), unsure="back", evidence=Evidence(canary_requests=3))
    assert Move.BACK is decide(late, NOW).move
    assert Move.HOLD is decide(replace(late, unsure="ask"), NOW).move
    assert Move.HOLD is decide(replace(late, began=later(NOW, seconds=-86_399.0)), NOW).move


def test_a_newer_release_replaces_where_the_file_says_so() -> None:
    """`newer: replace` ends the rollout for a newer release that passed."""
    decision = decide(replace(SAFE, newer_passed="blake3:0123456789abcdef"), NOW)
    assert (Move.BACK, "replaced by the newer release 0123456789ab") == (decision.move, decision.because.sentence())


def test_no_guardrail_is_no_safety() -> None:
    """Without any guardrail nothing was shown."""
    decision = decide(replace(SAFE, evidence=replace(SAFE.evidence, guardrails=())), NOW)
    assert Move.HOLD is decision.move


def test_a_freeze_with_an_end_says_when() -> None:
    """A freeze that ends by itself is looked at again at that moment."""
    at = later(NOW, seconds=60)
    until = decide(replace(SAFE, frozen_by="ann: audit", frozen_until=at), NOW).until
    assert until is not None
    assert at == until.at
    assert "2027-01-15T08:01:00.000Z or `windlass resume`" == until.words


def test_nobody_is_told_to_resume_a_window() -> None:
    """A window of the file ends by itself: `resume`, which ends a person's freeze, would be refused."""
    at = later(NOW, seconds=60)
    until = decide(replace(SAFE, frozen_by="the window fri", frozen_until=at, in_window=True), NOW).until
    assert until is not None
    assert (at, "2027-01-15T08:01:00.000Z") == (until.at, until.words)


def test_evidence_beyond_a_billion_is_said_in_words() -> None:
    """Of overwhelming evidence nobody is shown a hundred digits."""
    assert "evidence 104,610 against 100" in HarmShown(32, 104_610.0, 100.0).sentence()
    assert "evidence over a billion against 100" in HarmShown(32, 1e40, 100.0).sentence()
    assert "(evidence over a billion against 1,000)" in WrongSplit(1e75).sentence()


def test_no_worse_than_a_bad_champion_is_not_enough() -> None:
    """A canary above a limit that its file declares holds however safe it is beside its champion, until a person or the
    time limit decides."""
    above = Guardrail("errors", 1e9, 0, observed=0.5, exceeded="errors <= 1%")
    view = replace(SAFE, evidence=replace(SAFE.evidence, guardrails=(above, Guardrail("latency", 1e6))))
    decision = decide(view, NOW)
    words = "50.00% of the canary's requests are against errors <= 1%, which the file declares"
    assert (Move.HOLD, words) == (decision.move, decision.because.sentence())
    assert decision.until is not None and "windlass promote" in decision.until.words
    fine = replace(SAFE, evidence=replace(SAFE.evidence, guardrails=(replace(above, exceeded=""),)))
    assert Move.ADVANCE == decide(fine, NOW).move
