"""A rollout whose time limit is over and that late evidence moves is no settled system that writes."""

from windlass.sim.days import lived
from windlass.sim.storms import drawn


def test_a_rollout_that_moves_late_comes_to_rest_later() -> None:
    """On this day callers came slowly, the time limit of the canary passed, and then it was shown safe all the same."""
    day = lived(drawn(466))
    assert ([], True) == (day.broken, day.facts["StepTaken"] > 0)
