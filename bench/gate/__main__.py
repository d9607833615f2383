"""`python -m bench.gate`: processor time of judging, and error rates at the margin beside plain rules."""

import math
import sys
import time
from collections.abc import Iterator, Sequence

import numpy as np

from bench.report import Row, publish
from windlass.delivery.gates.judge import GateInput, judge
from windlass.delivery.gates.ledger import Ledger, RowTable, look, row_digests
from windlass.delivery.gates.lines import parse_line
from windlass.delivery.gates.rows import Answers, Holdout
from windlass.delivery.gates.types import GateOutcome, Verdict
from windlass.maths.proportions import proportion_lower

SEED = 20_262
SIZES = (1_000, 4_000, 20_000)
SECONDS_MAX = 30.0  # of one processor: a judgement should not take longer than a small training
LINES = (
    "accuracy not worse than champion",
    "roc_auc not worse than champion",
    "brier not worse than champion",
    "f1 not worse than champion",
    "log_loss not worse than champion",
    "average_precision not worse than champion",
)
MARGIN_RUNS = 1_000
MARGIN_ROWS = 1_000
DISCORDANT = 0.06
Z_5_PER_CENT = 1.6448536269514722


def main() -> int:
    """Measure all and publish."""
    return publish("gate", [*_times(), *_ledger(), *_at_the_margin()])


def _times() -> Iterator[Row]:
    for rows in SIZES:
        holdout, candidate, champion = _scored(rows)
        for line in LINES:
            began = time.process_time()
            _judged((line,), holdout, candidate, champion)
            seconds = time.process_time() - began
            what = f"{line}, {rows:,} rows"
            yield Row("time", what, seconds, "s", f"<= {SECONDS_MAX:g} s", "", seconds <= SECONDS_MAX)


def _ledger() -> Iterator[Row]:
    rows = list(range(100_000))
    began = time.process_time()
    table = RowTable({"id": rows}, ("id",), row_digests({"id": rows}, ("id",)), "blake3:" + "0" * 64)
    first = look(Ledger(), "v1", table, 0.05)
    look(first.after, "v2", table, 0.05)
    yield Row("ledger", "two looks at 100,000 rows", time.process_time() - began, "s")


def _at_the_margin() -> Iterator[Row]:
    """A candidate exactly one point worse, with a margin of one point: every pass is an error."""
    chance = np.random.default_rng(SEED)
    worse, better = (DISCORDANT + 0.01) / 2, (DISCORDANT - 0.01) / 2
    counts = chance.multinomial(MARGIN_ROWS, (worse, better, 1 - DISCORDANT), MARGIN_RUNS)
    passed = sum(_passes(*(int(count) for count in row[:2])) for row in counts)
    point = float(np.mean((counts[:, 0] - counts[:, 1]) / MARGIN_ROWS <= 0.01))
    unpaired = float(np.mean([_unpaired(int(row[0]), int(row[1])) for row in counts]))
    what = f"passes one point worse at a margin of one point, {MARGIN_RUNS:,} holdouts of {MARGIN_ROWS:,} rows"
    peer = f"comparing the two numbers {point:.0%}, unpaired z-test {unpaired:.1%}"
    met = proportion_lower(passed, MARGIN_RUNS, 0.01) <= 0.061
    yield Row("margin", what, passed / MARGIN_RUNS * 100, "%", "<= 6.1 %", peer, met)


def _passes(worse: int, better: int) -> bool:
    labels = [1] * MARGIN_ROWS
    candidate = [0] * worse + [1] * (MARGIN_ROWS - worse)
    champion = [1] * worse + [0] * better + [1] * (MARGIN_ROWS - worse - better)
    holdout = Holdout([str(row) for row in range(MARGIN_ROWS)], labels, "blake3:" + "0" * 64)
    line = "accuracy not worse than champion by 1pp"
    return _judged((line,), holdout, Answers("a", candidate), Answers("b", champion)).verdict is Verdict.PASS


def _unpaired(worse: int, better: int) -> bool:
    """A z-test that forgets that both answered the same rows, at an accuracy of 90 %."""
    error = math.sqrt(2 * 0.9 * 0.1 / MARGIN_ROWS)
    return (worse - better) / MARGIN_ROWS + Z_5_PER_CENT * error < 0.01


def _judged(lines: Sequence[str], holdout: Holdout, candidate: Answers, champion: Answers) -> GateOutcome:
    return judge(GateInput(tuple(parse_line(line) for line in lines), holdout, candidate, champion))


def _scored(rows: int) -> tuple[Holdout, Answers, Answers]:
    chance = np.random.default_rng(SEED)
    labels = chance.integers(0, 2, rows)
    signal = labels + chance.normal(0, 0.8, rows)
    answers = []
    for name, noise in (("candidate", 0.2), ("champion", 0.25)):
        scores = (1 / (1 + np.exp(-3 * (signal + chance.normal(0, noise, rows) - 0.5)))).tolist()
        predicted = [int(score > 0.5) for score in scores]
        answers.append(Answers(name, predicted, [(1 - score, score) for score in scores], (0, 1)))
    holdout = Holdout([str(row) for row in range(rows)], labels.tolist(), "blake3:" + "0" * 64)
    return holdout, answers[0], answers[1]


if __name__ == "__main__":
    sys.exit(main())
