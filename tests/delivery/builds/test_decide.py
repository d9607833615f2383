"""The next move of a service's builds."""

from dataclasses import replace
from pathlib import Path

import pytest

from windlass.delivery.builds.decide import decide
from windlass.delivery.builds.types import BuildMove, BuildView
from windlass.facts.observed import JobSeen
from windlass.facts.state import BuildState, Wanted
from windlass.kernel.instants import Instant, later
from windlass.testing.tables import Row, read_table

NOW = Instant(1_800_000_000_000)


def view_of(row: Row) -> BuildView:
    """The view that a row of the table describes."""
    wanted = Wanted("/repo", row["wanted"], "", "", "", {}, "", "key", NOW) if row["wanted"] else None
    running = BuildState("other", row["running"], "running", "job", 1, NOW) if row["running"] else None
    job = None
    if row["job"]:
        words = "exit 1" if row["job"] == "failed" else ""
        job = JobSeen("job", "build", "s", row["job"], NOW, progress="installing", words=words)
    return BuildView(wanted, _known(row), running, job, row["quarantine"], row["hold"])


def _known(row: Row) -> BuildState | None:
    if not row["known"]:
        return None
    if row["known"] == "cancelled":
        ended = BuildState("key", row["of"], "failed", "job", 1, NOW, "cancelled by ann: too slow", "cancelled")
        return replace(ended, cancelled_by="ann")
    state, kind, attempt = row["known"].split("/") if "/" in row["known"] else (row["known"], "", "1")
    at = later(NOW, seconds=-float(row["ago"]))
    return BuildState("key", row["of"], state, "job", int(attempt), at, "exit 1", kind, release="r2")


ROWS = read_table(Path(__file__).with_name("moves.txt"))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_moves(row: Row) -> None:
    """Every row of moves.txt is what the build stage does next, and why."""
    decision = decide(view_of(row), NOW)
    assert (row["move"], row["because"]) == (decision.move, decision.because.sentence())


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_wait_names_its_end(row: Row) -> None:
    """A build that is waited for names what ends the wait."""
    decision = decide(view_of(row), NOW)
    assert decision.move is not BuildMove.WAIT or decision.until is not None
