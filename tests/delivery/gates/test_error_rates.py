"""How often a candidate exactly at its margin passes, judged by the product's own code.

The bounds are Monte-Carlo bounds: each test fails by chance at most once in a thousand seeds, and the seeds are fixed.
"""

from collections.abc import Callable

import numpy as np
import pytest

from tests.delivery.gates.scenes import CANDIDATE, CHAMPION, chances, check, classes, holdout
from windlass.delivery.gates.rows import Answers, Holdout
from windlass.delivery.gates.types import Verdict
from windlass.maths.proportions import proportion_lower

ROWS = 120
Draw = Callable[[np.random.Generator], tuple[Holdout, Answers, Answers]]


def shares(chance: np.random.Generator) -> tuple[Holdout, Answers, Answers]:
    """Twelve per cent of rows differ, and the candidate is four points worse on average."""
    kinds = chance.choice(3, ROWS, p=(0.08, 0.04, 0.88))
    mine, theirs = np.where(kinds == 0, 0, 1), np.where(kinds == 1, 0, 1)
    return holdout([1] * ROWS), classes(CANDIDATE, mine.tolist()), classes(CHAMPION, theirs.tolist())


def squares(chance: np.random.Generator) -> tuple[Holdout, Answers, Answers]:
    """Squared errors of chances: the candidate's are four hundredths worse on average."""
    labels = chance.integers(0, 2, ROWS)
    sure = chance.random(ROWS) < 0.9
    theirs = np.where(sure, labels, 0.5)
    off = chance.random(ROWS) < 0.04 / 0.9
    mine = np.where(sure & off, 1 - labels, theirs)
    return holdout(labels.tolist()), chances(CANDIDATE, mine.tolist()), chances(CHAMPION, theirs.tolist())


def amounts(chance: np.random.Generator) -> tuple[Holdout, Answers, Answers]:
    """Errors of amounts with a long tail: the candidate's are 0.2 worse on average."""
    labels = chance.normal(0, 1, ROWS)
    error = chance.exponential(1, ROWS)
    mine = labels + error + chance.exponential(0.2, ROWS)
    return holdout(labels.tolist()), Answers("a", mine.tolist()), Answers("b", (labels + error).tolist())


CASES: list[tuple[str, Draw, str, tuple[int, float]]] = [
    ("accuracy not worse than champion by 0.04", shares, "Tango", (250, 0.061)),
    ("brier not worse than champion by 0.04", squares, "wager", (120, 0.05)),
    ("mae not worse than champion by 0.2", amounts, "bootstrap-t", (60, 0.06)),
]


@pytest.mark.parametrize(("line", "draw", "method", "allowed"), CASES, ids=[case[2] for case in CASES])
def test_a_candidate_at_its_margin_rarely_passes(
    line: str, draw: Draw, method: str, allowed: tuple[int, float]
) -> None:
    """Of some holdouts no more pass than the method's own error rate allows, at 99.9 % confidence; as few fail."""
    runs, rate_max = allowed
    verdicts = []
    for run in range(runs):
        found = check(line, *draw(np.random.default_rng([run, 5])))
        assert method == found.method
        verdicts.append(found.verdict)
    for wrong in (Verdict.PASS, Verdict.FAIL):
        assert proportion_lower(verdicts.count(wrong), runs, 0.001) <= rate_max, verdicts.count(wrong)
    assert verdicts.count(Verdict.UNSURE) > 0.8 * runs
