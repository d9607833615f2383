"""Held-out rows and answers to them, made small enough to read."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from windlass.delivery.gates.judge import GateInput, judge
from windlass.delivery.gates.lines import parse_line
from windlass.delivery.gates.rows import Answers, Holdout
from windlass.delivery.gates.types import CheckResult

CANDIDATE, CHAMPION, BEST = "cand", "champ", "best"


def holdout(labels: Sequence[Any], units: Sequence[Any] = (), positive: Any = None) -> Holdout:
    """Rows called r0, r1, ... with these labels."""
    return Holdout([f"r{row}" for row in range(len(labels))], list(labels), "blake3:" + "0" * 64, units, {}, positive)


def classes(release: str, prediction: Sequence[Any]) -> Answers:
    """A release that answers a class and nothing else."""
    return Answers(release, list(prediction))


def chances(release: str, probability: Sequence[float], names: tuple[Any, Any] = (0, 1)) -> Answers:
    """A release of two classes that answers the chance of the second, and the likelier class."""
    prediction = [names[1] if chance > 0.5 else names[0] for chance in probability]
    return Answers(release, prediction, [(1 - chance, chance) for chance in probability], names)


def rights(rows: int, *, worse: int = 0, better: int = 0, wrong: int = 0) -> tuple[list[int], list[int], list[int]]:
    """Labels, the candidate's answers and the champion's: both are right but for `worse` rows that only the candidate
    misses, `better` rows that only the champion misses, and `wrong` rows that both miss."""
    candidate = [0] * (worse + wrong) + [1] * (rows - worse - wrong)
    champion = [1] * worse + [0] * (wrong + better) + [1] * (rows - worse - wrong - better)
    return [1] * rows, candidate, champion


def scored(rows: int, seed: int, noise: Sequence[float]) -> tuple[list[Any], list[list[Any]]]:
    """Labels, and one list of chances for each level of noise, all from one signal."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 2, rows)
    signal = labels + chance.normal(0, 0.8, rows)
    answers = [1 / (1 + np.exp(-3 * (signal + chance.normal(0, level, rows) - 0.5))) for level in noise]
    return labels.tolist(), [one.tolist() for one in answers]


def check(line: str, rows: Holdout, candidate: Answers, champion: Answers | None = None, **more: Any) -> CheckResult:
    """The one check of a gate with one line."""
    (found,) = judge(GateInput((parse_line(line),), rows, candidate, champion, **more)).checks
    return found
