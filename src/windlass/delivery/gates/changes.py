"""What became looser or stricter between two files: a person must see that before a release passes because of it."""

from collections.abc import Iterable
from typing import assert_never

from windlass.delivery.gates.lines import ComparisonLine, ProcessLine, QualityLine, ThresholdLine, parse_line

OTHER_ROWS = "the held-out rows are not those that the champion was judged on"


def gate_changes(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """Gate lines that came, went, or became looser or stricter.

    >>> gate_changes(["roc_auc >= 0.70"], ["roc_auc >= 0.65"])
    ['gate loosened: roc_auc >= 0.70 -> roc_auc >= 0.65']
    """
    old, new = list(before), list(now)
    gone = [line for line in old if line not in new]
    come = [line for line in new if line not in old]
    changes = []
    for line in gone:
        same = next((other for other in come if _subject(other) == _subject(line)), None)
        if same is None:
            changes.append(f"gate loosened: {line} is taken out")
            continue
        come.remove(same)
        word = "loosened" if _strictness(same) < _strictness(line) else "changed"
        changes.append(f"gate {word}: {line} -> {same}")
    return changes + [f"gate line added: {line}" for line in come]


def _subject(line: str) -> tuple[str, str]:
    parsed = parse_line(line)
    match parsed:
        case ThresholdLine() | ComparisonLine():
            return type(parsed).__name__, parsed.metric.name
        case QualityLine():
            return parsed.name, parsed.column
        case ProcessLine():
            return parsed.name, str(parsed.quantile)
        case _:
            assert_never(parsed)


def _strictness(line: str) -> float:
    """Grows with what is asked, for lines about the same subject."""
    parsed = parse_line(line)
    match parsed:
        case ThresholdLine():
            return parsed.threshold if parsed.metric.higher else -parsed.threshold
        case ComparisonLine():
            return parsed.margin.size if parsed.better else -parsed.margin.size
        case QualityLine():
            return parsed.limit if parsed.name == "rows" else -parsed.limit
        case ProcessLine():
            return -parsed.limit
        case _:
            assert_never(parsed)
