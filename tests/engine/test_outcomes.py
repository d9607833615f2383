"""How long failures in a row are waited out."""

from dataclasses import replace
from pathlib import Path

import pytest

from windlass.engine.outcomes import Attempts
from windlass.kernel.errors import Unavailable
from windlass.kernel.instants import NEVER, Instant
from windlass.testing.tables import Row, read_table

NOW = Instant(1_700_000_000_000)


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("outcomes.txt")), ids=str)
def test_each_failure_waits_longer_up_to_a_minute(row: Row) -> None:
    """Every row of outcomes.txt holds: a wait doubles with each failure in a row, and is spread by chance."""
    attempts = Attempts()
    for _ in range(int(row["failures"])):
        attempts.failed(Unavailable("the disk is away", code="disk"), NOW, float(row["jitter"]))
    assert (float(row["seconds"]), int(row["failures"])) == ((attempts.next_at - NOW) / 1000, attempts.failures)
    assert "the disk is away" == attempts.words


def test_a_success_forgets_them_all() -> None:
    """After one pass that went well the next failure waits a second again, and nothing is told any more."""
    attempts = Attempts()
    for _ in range(5):
        attempts.failed(Unavailable("away", code="disk"), NOW, 1.0)
    attempts.succeeded()
    assert Attempts(0, NEVER, "") == replace(attempts)
    attempts.failed(Unavailable("away again", code="disk"), NOW, 1.0)
    assert (1.0, "away again") == ((attempts.next_at - NOW) / 1000, attempts.words)
