"""One gate line against one thing: from answers to a check's result."""

import math
from dataclasses import dataclass, replace

from windlass.delivery.gates.bounds import Measured, Setting, compare, measure
from windlass.delivery.gates.lines import ComparisonLine, ThresholdLine
from windlass.delivery.gates.rows import Answers, Ordered, Unfit, silence
from windlass.delivery.gates.samples import sample_of
from windlass.delivery.gates.types import CheckResult, Verdict
from windlass.maths.power import labels_short, margin_visible
from windlass.maths.rounding import round10


@dataclass(frozen=True, slots=True)
class Bench:
    """The rows in judging order, the candidate's answers to them, and the error rate that each check may spend.

    `first` says that a missing champion means a first release, to which comparisons do not apply.
    """

    rows: Ordered
    candidate: Answers
    alpha: float
    first: bool = True


def threshold_check(line: ThresholdLine, bench: Bench) -> CheckResult:
    """The candidate's metric against a threshold."""
    blank = replace(_blank(line, bench), threshold=line.threshold, wanted=line.wanted)
    try:
        sample = sample_of(line.metric, bench.rows, bench.candidate)
        found = measure(sample, Setting(bench.rows, bench.alpha, line.threshold))
    except Unfit as error:
        return replace(blank, note=str(error))
    return _filled(blank, found, line.threshold)


def comparison_check(line: ComparisonLine, bench: Bench, reference: Answers | None, name: str) -> CheckResult:
    """The candidate against the champion or the best release (`name`) on the same rows."""
    blank = replace(_blank(line, bench), relative_to=name)
    if reference is None:
        verdict = Verdict.NOT_APPLICABLE if bench.first else Verdict.UNSURE
        return replace(blank, verdict=verdict, note=f"there is no {name} to compare with")
    if silent := silence(reference, len(bench.rows.order)):
        return replace(blank, note=f"the {name} {silent}")
    try:
        mine, theirs = (sample_of(line.metric, bench.rows, one) for one in (bench.candidate, reference))
        delta = _margin(line, theirs.way.value)
        limit = -delta if line.metric.higher else delta
        found = compare(mine, theirs, Setting(bench.rows, bench.alpha, limit))
    except Unfit as error:
        return replace(blank, note=str(error))
    blank = replace(blank, margin=delta, candidate=round10(mine.way.value), reference=round10(theirs.way.value))
    check = _filled(blank, replace(found, exact=found.exact and not line.margin.relative), limit)
    visible = round10(margin_visible(found.n, found.spread, bench.alpha)) if math.isfinite(found.spread) else None
    return replace(check, better=_better(found, line.metric.higher), margin_visible=visible)


def _blank(line: ThresholdLine | ComparisonLine, bench: Bench) -> CheckResult:
    metric = line.metric
    blank = CheckResult(line.text, Verdict.UNSURE, metric.name, n=len(bench.rows.order), alpha=round10(bench.alpha))
    return replace(blank, unit=metric.unit, higher=metric.higher)


def _margin(line: ComparisonLine, reference: float) -> float:
    """How much worse the candidate may be, in the metric's unit; negative where it must be better."""
    size = line.margin.size * (abs(reference) if line.margin.relative else 1.0)
    return round10(-size if line.better else size)


def _filled(check: CheckResult, found: Measured, limit: float) -> CheckResult:
    passed, failed = (found.above, found.below) if check.higher else (found.below, found.above)
    verdict = Verdict.PASS if passed else Verdict.FAIL if failed else Verdict.UNSURE
    short = _labels_short(check, found, limit) if verdict is Verdict.UNSURE else None
    filled = replace(check, verdict=verdict, n=found.n, value=round10(found.value), labels_short=short)
    return replace(filled, low=_finite(found.low), high=_finite(found.high), method=found.method, exact=found.exact)


def _labels_short(check: CheckResult, found: Measured, limit: float) -> int | None:
    if not math.isfinite(found.spread):
        return None
    sign = -1 if check.higher else 1
    return labels_short(found.n, sign * found.value, found.spread, sign * limit, check.alpha) or None


def _better(found: Measured, higher: bool) -> bool | None:
    better, worse = (found.low > 0, found.high < 0) if higher else (found.high < 0, found.low > 0)
    return True if better else False if worse else None


def _finite(bound: float) -> float | None:
    return round10(bound) if math.isfinite(bound) else None
