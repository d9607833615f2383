"""The grammar of gate lines: sentences that a person can review and that mean one thing.

    roc_auc >= 0.70                             a threshold
    accuracy not worse than champion by 1pp     a comparison, on the same rows; without `by` the margin is 1pp
    accuracy better than champion
    latency p99 <= 300ms, memory <= 512Mi       the candidate's own process
    missing(age) <= 1%, unseen(country) <= 2%, rows >= 1000    the held-out data themselves

What cannot be read in exactly one way is refused with the words to write instead.
"""

import difflib
import re
from dataclasses import dataclass

from windlass.delivery.gates.metrics import METRICS, OTHER_NAMES, Metric
from windlass.kernel.errors import clip
from windlass.kernel.quantities import Difference, difference, duration, share, size

_COMPARED = re.compile(r"(\S+) (not worse|better) than (\S+)(?: by (.+))?")
_LIMITED = re.compile(r"([a-z0-9_]+(?:\([^()]*\))?(?: p[0-9.]+)?) ?(>=|<=|==|=|>|<) ?(.+)", re.IGNORECASE)
_COLUMN = re.compile(r"(missing|unseen)\(([^()]+)\)")
_LATENCY = re.compile(r"latency(?: p([0-9]{1,2}(?:\.[0-9]{1,3})?))?")
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_WHOLE = re.compile(r"[0-9]{1,12}")
_JOINED = re.compile(  # a dash, and what begins a line after it
    r" - (?=[a-z0-9_]+(?:\([^()]*\))?(?: p[0-9.]+)? ?(?:>|<|=|not worse |better )|approve\b)", re.IGNORECASE
)
_FAIRNESS = re.compile(r"\b(fairness|parity|equal_opportunity|equalized_odds)\b")

POINTS_DEFAULT = Difference(0.01)  # one point: the smallest loss that people usually act on
RELATIVE_DEFAULT = Difference(0.02, relative=True)  # a loss without a scale has no points
NOT_YET = "is not understood yet; take the line out"


@dataclass(frozen=True, slots=True)
class ThresholdLine:
    text: str
    metric: Metric
    wanted: str
    threshold: float


@dataclass(frozen=True, slots=True)
class ComparisonLine:
    """`better` asks for more than the reference has; else `margin` says how much less is tolerated."""

    text: str
    metric: Metric
    margin: Difference
    better: bool = False


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """A limit of the candidate's process: latency of one row at a quantile in seconds, or peak memory in bytes."""

    text: str
    name: str  # latency or memory
    limit: float
    wanted: str
    quantile: float = 0.0


@dataclass(frozen=True, slots=True)
class QualityLine:
    """A limit of the held-out data: the share of rows where a column is missing or unseen, or the number of rows."""

    text: str
    name: str  # missing, unseen or rows
    limit: float
    wanted: str
    column: str = ""


Line = ThresholdLine | ComparisonLine | ProcessLine | QualityLine


def gate_check(text: str) -> str | None:
    """What is wrong with a gate line and what to write instead; None if nothing is."""
    try:
        parse_line(text)
    except ValueError as error:
        return str(error)
    return None


def parse_line(text: str) -> Line:
    """The meaning of one gate line.

    Raises:
        ValueError: it cannot be read in exactly one way; the message says what to write.
    """
    line = " ".join(str(text).split())
    _refuse_two_lines(line)
    _refuse_not_yet(line)
    if found := _COMPARED.fullmatch(line):
        return _comparison(line, found)
    found = _LIMITED.fullmatch(line)
    if not found:
        raise ValueError(f'"{clip(line)}" is no gate line; write one like "roc_auc >= 0.70"')
    subject, wanted, limit = found.groups()
    if wanted in ("=", "=="):
        raise ValueError(f'"{wanted}" would hold for one exact value only; write ">=" or "<="')
    if subject == "rows":
        return _rows(line, wanted, limit)
    if column := _COLUMN.fullmatch(subject):
        return QualityLine(line, column[1], _below(line, wanted, share(limit)), wanted, column[2].strip())
    if subject in ("missing", "unseen"):
        raise ValueError(f'"{clip(line)}": write which column, like "{subject}(age) <= 1%"')
    if subject == "memory":
        return ProcessLine(line, "memory", _below(line, wanted, size(limit)), wanted)
    if subject.split()[0] == "latency":
        return _latency(line, subject, wanted, limit)
    return _threshold(line, found)


def _refuse_two_lines(line: str) -> None:
    """YAML joins an item with the one above it where its dash stands further right, and says nothing."""
    first, *more = _JOINED.split(line)
    if more:
        raise ValueError(
            f'two lines ran together: "{clip(first)}" and "{clip(more[0])}"; '
            "check the indentation of the next line, whose - must stand below the one above it"
        )


def _refuse_not_yet(line: str) -> None:
    if " on each " in line:
        raise ValueError(f'"on each ..." (a check for every slice) {NOT_YET} or write it for all rows')
    if line.startswith("approve"):
        raise ValueError(f'"approve:" {NOT_YET} and review the commit before it is merged')
    if _FAIRNESS.search(line):
        raise ValueError(f"a fairness gap between groups {NOT_YET}")


def _comparison(line: str, found: re.Match[str]) -> ComparisonLine:
    name, verb, reference, margin = found.groups()
    metric = _metric(name)
    if reference != "champion":
        remedy = "the best release ever is compared with as well" if reference == "best" else "it is what is live"
        raise ValueError(f'"than {clip(reference)}" is not understood; write "than champion": {remedy}')
    better = verb == "better"
    if margin is None:
        default = POINTS_DEFAULT if metric.unit == "share" else RELATIVE_DEFAULT
        return ComparisonLine(line, metric, Difference(0.0) if better else default, better)
    return ComparisonLine(line, metric, _margin(margin, metric), better)


def _margin(written: str, metric: Metric) -> Difference:
    if found := re.fullmatch(r"([0-9.]+)%", written):
        raise ValueError(
            f'"by {written}" can be read in two ways; write "by {found[1]}pp" (points) or "by {written} relative"'
        )
    if written.endswith("pp") and metric.unit != "share":
        raise ValueError(f'{metric.name} has no points; write "by 0.5" in its own unit, or "by 2% relative"')
    margin = difference(written)
    if metric.unit == "share" and margin.size >= 1:
        raise ValueError(f'"by {written}" allows everything; write "by 1pp" or "by 0.01"')
    return margin


def _metric(name: str) -> Metric:
    if name in METRICS:
        return METRICS[name]
    near = OTHER_NAMES.get(name.lower()) or next(iter(difflib.get_close_matches(name.lower(), METRICS, 1)), "")
    remedy = f'did you mean "{near}"?' if near else f"known are {', '.join(METRICS)}"
    raise ValueError(f'unknown metric "{clip(name)}"; {remedy}')


def _threshold(line: str, found: re.Match[str]) -> ThresholdLine:
    subject, wanted, limit = found.groups()
    metric = _metric(subject)
    if (wanted in (">=", ">")) != metric.higher:
        right = ">=" if metric.higher else "<="
        why = "more is better" if metric.higher else "less is better"
        raise ValueError(f'{metric.name}: {why}; write "{metric.name} {right} {clip(limit)}"')
    threshold = _value(limit, metric)
    if not metric.low < threshold < metric.high:
        between = "above 0" if metric.high > 1 else "below 1" if metric.low < 0 else "between 0 and 1, both excluded"
        raise ValueError(f'"{clip(limit)}" decides nothing: {metric.name} needs a threshold {between}')
    return ThresholdLine(line, metric, wanted, threshold)


def _value(written: str, metric: Metric) -> float:
    if metric.unit == "share" and metric.high == 1 and metric.low == 0:
        return share(written)
    if metric.unit == "share" and written.endswith("%"):
        return float(written[:-1]) / 100 if _NUMBER.fullmatch(written[:-1]) else share(written)
    if not _NUMBER.fullmatch(written):
        raise ValueError(f'"{clip(written)}" is not a number; write it like 3.2')
    return float(written)


def _below(line: str, wanted: str, limit: float) -> float:
    if wanted not in ("<=", "<"):
        raise ValueError(f'"{clip(line)}": less is better here; write "<="')
    return float(limit)


def _rows(line: str, wanted: str, limit: str) -> QualityLine:
    if wanted not in (">=", ">") or not _WHOLE.fullmatch(limit):
        raise ValueError(f'"{clip(line)}": write how many rows there must be at least, like "rows >= 1000"')
    return QualityLine(line, "rows", float(limit), wanted)


def _latency(line: str, subject: str, wanted: str, limit: str) -> ProcessLine:
    found = _LATENCY.fullmatch(subject)
    if not found or not found[1] or not 0 < float(found[1]) < 100:
        raise ValueError(f'"{clip(line)}": write which quantile, like "latency p99 <= 300ms"')
    return ProcessLine(line, "latency", _below(line, wanted, duration(limit)), wanted, round(float(found[1]) / 100, 9))
