"""Limits that need no labels: the candidate's process, and the held-out data themselves.

Latency is a quantile with an exact bound from order statistics, shares of missing or unseen values have Clopper-Pearson
bounds. Memory and the number of rows are counted, not estimated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from windlass.delivery.gates.lines import ProcessLine, QualityLine
from windlass.delivery.gates.rows import Holdout, spoiled
from windlass.delivery.gates.types import CheckResult, Verdict
from windlass.maths.proportions import proportion_lower, proportion_upper
from windlass.maths.quantiles import quantile_lower, quantile_upper, values_needed
from windlass.maths.rounding import round10

ALPHA = 0.05  # nothing here asks the labels, so nothing is spent in the ledger


@dataclass(frozen=True, slots=True)
class Process:
    """How the candidate's process behaved while it scored: seconds for single rows, and its peak memory in bytes.

    `known` are the values that the model knows of each category column: those of its training.
    """

    latency_seconds: Sequence[float] = ()
    memory_bytes: int | None = None
    known: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def process_check(line: ProcessLine, process: Process) -> CheckResult:
    """Latency of single rows, or peak memory, against its limit."""
    if line.name == "memory":
        blank = CheckResult(line.text, Verdict.UNSURE, "memory", threshold=line.limit, unit="bytes", higher=False)
        if process.memory_bytes is None:
            return replace(blank, note="the peak memory was not measured")
        return _counted(replace(blank, wanted=line.wanted), process.memory_bytes)
    return _latency(line, process.latency_seconds)


def quality_check(line: QualityLine, holdout: Holdout, known: Mapping[str, Sequence[Any]]) -> CheckResult:
    """The number of held-out rows, or the share of missing or unseen values in a column, against its limit."""
    rows = len(holdout.keys)
    name = f"{line.name}({line.column})" if line.column else line.name
    blank = CheckResult(line.text, Verdict.UNSURE, name, n=rows, threshold=line.limit, wanted=line.wanted, alpha=ALPHA)
    if line.name == "rows":
        return _counted(replace(blank, unit="rows", higher=True), rows)
    blank = replace(blank, unit="percent", higher=False)
    values = holdout.columns.get(line.column)
    if values is None:
        return replace(blank, note=f'the holdout has no column "{line.column}"')
    if line.name == "missing":
        return _share(blank, len(spoiled(values)), len(values))
    if line.column not in known:
        return replace(blank, note=f'the release does not say which values of "{line.column}" it was trained on')
    present = [value for value in values if value is not None]
    seen = set(known[line.column])
    return _share(replace(blank, n=len(present)), sum(value not in seen for value in present), len(present))


def _counted(check: CheckResult, value: float) -> CheckResult:
    limit = check.threshold or 0.0
    holds = {">=": value >= limit, ">": value > limit, "<=": value <= limit, "<": value < limit}[check.wanted]
    verdict = Verdict.PASS if holds else Verdict.FAIL
    return replace(check, verdict=verdict, value=value, low=value, high=value, method="counted")


def _share(check: CheckResult, hits: int, rows: int) -> CheckResult:
    if not rows:
        return replace(check, note="no row has a value to look at")
    low, high = round10(proportion_lower(hits, rows, ALPHA)), round10(proportion_upper(hits, rows, ALPHA))
    limit = check.threshold or 0.0
    verdict = Verdict.PASS if high <= limit else Verdict.FAIL if low > limit else Verdict.UNSURE
    value = round10(hits / rows)
    return replace(check, verdict=verdict, value=value, low=low, high=high, method="Clopper-Pearson")


def _latency(line: ProcessLine, seconds: Sequence[float]) -> CheckResult:
    from numpy import quantile

    name = f"latency p{line.quantile * 100:g}"
    blank = CheckResult(line.text, Verdict.UNSURE, name, n=len(seconds), threshold=line.limit, unit="seconds")
    blank = replace(blank, higher=False, wanted=line.wanted, alpha=ALPHA)
    if not seconds:
        return replace(blank, note="no latency was measured")
    high, low = quantile_upper(seconds, line.quantile, ALPHA), quantile_lower(seconds, line.quantile, ALPHA)
    value = round10(float(quantile(seconds, line.quantile, method="higher")))
    check = replace(blank, value=value, low=low, high=high, method="order statistics")
    if low is not None and low > line.limit:
        return replace(check, verdict=Verdict.FAIL)
    if high is None:
        needed = f"it needs {values_needed(line.quantile, ALPHA):,} at least"
        return replace(check, note=f"{len(seconds)} single calls are too few to bound this quantile; {needed}")
    return replace(check, verdict=Verdict.PASS if high <= line.limit else Verdict.UNSURE)
