"""The grammar of gate lines."""

from pathlib import Path
from typing import assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.delivery.gates.lines import (
    ComparisonLine,
    Line,
    ProcessLine,
    QualityLine,
    ThresholdLine,
    gate_check,
    parse_line,
)
from windlass.delivery.gates.metrics import METRICS, OTHER_NAMES
from windlass.testing.tables import Row, read_table

WORDS = [
    *METRICS,
    *("not worse than", "better than", "champion", "by", "1%", "1pp", ">=", "<=", ">", "=", "0.7", "70%"),
    *("latency p99", "memory", "missing(a)", "rows", "300ms", "512Mi", "on each", "approve:", "é", "\x00"),
]


def meaning(line: Line) -> str:
    """A line in words that leave nothing out."""
    match line:
        case ThresholdLine():
            return f"{line.metric.name} {line.wanted} {line.threshold}"
        case ComparisonLine():
            owner = " of the champion's" if line.margin.relative else ""
            return f"{line.metric.name} {'must gain' if line.better else 'may lose'} {line.margin.size}{owner}"
        case ProcessLine():
            return f"{line.name} p{line.quantile} {line.wanted} {line.limit}"
        case QualityLine():
            return f"{line.name} of {line.column or 'any'} {line.wanted} {line.limit}"
        case _:
            assert_never(line)


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("lines.txt")), ids=lambda row: row.where)
def test_a_line_means_one_thing_or_says_what_to_write(row: Row) -> None:
    """Every row of lines.txt is understood as written there, or refused with those words."""
    complaint = gate_check(row["line"])
    if row["means"].startswith("! "):
        assert row["means"].removeprefix("! ") == complaint
    else:
        assert complaint is None
        assert row["means"] == meaning(parse_line(row["line"]))


def test_a_line_keeps_its_words_with_single_blanks() -> None:
    """The text that a check shows is the line as written, however it was spaced."""
    assert "roc_auc >= 0.70" == parse_line("  roc_auc   >=\t0.70 ").text


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=8).map(" ".join))
def test_any_text_is_a_line_or_a_complaint(text: str) -> None:
    """No text breaks the grammar: it has a meaning, or a complaint with words."""
    complaint = gate_check(text)
    assert complaint != ""
    if complaint is None:
        assert parse_line(text).text == " ".join(text.split())


def test_every_other_name_leads_to_a_metric() -> None:
    """What people write for a metric elsewhere is answered with a name that exists and reads differently."""
    assert set() == set(OTHER_NAMES.values()) - set(METRICS)
    assert set() == set(OTHER_NAMES) & set(METRICS)
