"""From held-out rows and answers to a verdict, one check for each line and each thing it is held against.

Every check must pass. A check that fails is shown to be on the wrong side of its limit; what is shown neither way is
unsure, and unsure never passes. Comparisons are made with the champion and with the best release ever: with the
champion alone thirty releases, each a little worse, lose five points, and every one of them passes.

Source: intersection-union tests, Berger 1982, Technometrics 24(4); the high-water mark against slow decay, Feng,
Emerson and Simon 2021, Biometrics 77(1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from windlass.delivery.gates.checks import Bench, comparison_check, threshold_check
from windlass.delivery.gates.limits import Process, process_check, quality_check
from windlass.delivery.gates.lines import ComparisonLine, Line, ProcessLine, QualityLine, ThresholdLine
from windlass.delivery.gates.rows import Answers, Holdout, in_order, named, silence, spoiled
from windlass.delivery.gates.types import CheckResult, GateOutcome, Verdict

ALPHA = 0.05  # a release exactly at its margin passes at most once in twenty looks at fresh rows


@dataclass(frozen=True, slots=True)
class Spend:
    """What this look at the holdout may spend: its number in the ledger (0: it has none), and its error rate."""

    query: int = 0
    left: int = 0
    alpha: float = ALPHA


@dataclass(frozen=True, slots=True)
class GateInput:
    """Everything a verdict rests on.

    `champion` and `best` are None where there is none; where both are the same release `best` is None. A candidate that
    is the best itself, on its way back, is not compared with itself: nothing is better than itself. `zero` holds what
    gate zero found. `refusals` say, in words, why these rows may not be judged. `first` says that without a
    champion this is a first release, to which comparisons do not apply; else they stay unsure.
    """

    lines: tuple[Line, ...]
    holdout: Holdout
    candidate: Answers
    champion: Answers | None = None
    best: Answers | None = None
    spend: Spend = field(default_factory=Spend)
    process: Process = field(default_factory=Process)
    zero: tuple[CheckResult, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    first: bool = True


def judge(given: GateInput) -> GateOutcome:
    """The verdict on one candidate, with every check. Nothing that was not judged spends a query."""
    spend = given.spend
    blank = GateOutcome(Verdict.UNSURE, given.zero, rows=len(given.holdout.keys), alpha=spend.alpha, notes=given.notes)
    blank = replace(blank, queries_left=spend.left)
    if any(check.verdict is Verdict.FAIL for check in given.zero):
        return replace(blank, verdict=Verdict.FAIL)
    needs_rows = any(not isinstance(line, ProcessLine) for line in given.lines)
    if needs_rows and (refusals := (*given.refusals, *_unusable(given.holdout))):
        return replace(blank, refusals=refusals)
    if needs_rows and (silent := silence(given.candidate, blank.rows)):
        line, note = "every row is answered", f"the candidate {silent}"
        unanswered = CheckResult(line, Verdict.FAIL, "answers", n=blank.rows, note=note)
        return replace(blank, verdict=Verdict.FAIL, checks=(*given.zero, unanswered))
    found = _checks(given)
    verdict = _overall(found)
    looked = any(isinstance(line, (ThresholdLine, ComparisonLine)) for line in given.lines)
    return replace(blank, verdict=verdict, checks=(*given.zero, *found), query=spend.query if looked else 0)


def _checks(given: GateInput) -> tuple[CheckResult, ...]:
    bench = Bench(in_order(given.holdout), given.candidate, given.spend.alpha, given.first)
    found: list[CheckResult] = []
    for line in given.lines:
        match line:
            case ThresholdLine():
                found.append(threshold_check(line, bench))
            case ComparisonLine():
                found.append(comparison_check(line, bench, given.champion, "champion"))
                if given.best is not None and given.best.release != given.candidate.release:
                    found.append(comparison_check(line, bench, given.best, "best"))
            case ProcessLine():
                found.append(process_check(line, given.process))
            case QualityLine():
                found.append(quality_check(line, given.holdout, given.process.known))
            case _:
                assert_never(line)
    return tuple(found)


def _overall(checks: Sequence[CheckResult]) -> Verdict:
    verdicts = {check.verdict for check in checks}
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    if Verdict.UNSURE in verdicts or not any(_speaks_of_the_release(check) for check in checks):
        return Verdict.UNSURE
    return Verdict.PASS


def _speaks_of_the_release(check: CheckResult) -> bool:
    return check.verdict is Verdict.PASS and not check.metric.startswith(("missing(", "unseen(", "rows"))


def _unusable(holdout: Holdout) -> tuple[str, ...]:
    """Why these rows may not be judged, each with the rows it is about, counted from 1."""
    if not holdout.keys:
        return ("the holdout has no rows",)
    found = []
    if unlabelled := spoiled(holdout.labels):
        found.append(f"the holdout has no label in {named(unlabelled)}; label them or take them out")
    if nested := tuple(row for row, label in enumerate(holdout.labels, 1) if isinstance(label, (list, dict))):
        found.append(f"the label is no single value in {named(nested)}; name a column of classes or numbers")
    if homeless := spoiled(holdout.units):
        found.append(f"the holdout has no unit in {named(homeless)}; fill the column, or take `unit:` out of data:")
    first: dict[str, int] = {}
    met = [(first.setdefault(key, row), row) for row, key in enumerate(holdout.keys, 1)]
    if twins := [pair for pair in met if pair[0] != pair[1]]:
        words = f"rows {twins[0][0]} and {twins[0][1]} of the holdout are the same row, or share one id"
        found.append(words + (f", and {len(twins) - 1:,} more like them" if len(twins) > 1 else ""))
    return tuple(found)
