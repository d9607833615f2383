"""An outcome as text, JSON, Markdown and JUnit."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.delivery.gates.scenes import CANDIDATE, CHAMPION, classes, holdout, rights
from windlass.delivery.gates.judge import GateInput, Spend, judge
from windlass.delivery.gates.limits import Process
from windlass.delivery.gates.lines import parse_line
from windlass.delivery.gates.report import exit_code, json_object, junit, markdown, text_table
from windlass.delivery.gates.types import CheckResult, GateOutcome, Verdict

LABELS, MINE, THEIRS = rights(1000, worse=6, better=2, wrong=30)
LINES = (
    "accuracy >= 0.9",
    "accuracy >= 0.97",
    "accuracy not worse than champion",
    "latency p99 <= 300ms",
    "memory <= 512Mi",
    "roc_auc >= 0.7",
)


def outcome(*lines: str, champion: bool = True) -> GateOutcome:
    """A gate with these lines on 1,000 rows."""
    given = GateInput(
        tuple(parse_line(line) for line in lines or LINES),
        holdout(LABELS),
        classes(CANDIDATE, MINE),
        classes(CHAMPION, THEIRS) if champion else None,
        spend=Spend(2, 18, 0.0076),
        process=Process([0.02] * 300, 700 * 2**20),
        notes=("12 of 1,000 rows were never asked before",),
    )
    return judge(given)


REFUSED = GateOutcome(Verdict.UNSURE, refusals=("the holdout has no rows", "and no label"))


@pytest.mark.parametrize("name", ["judged", "refused", "first"])
def test_the_text_is_the_stored_one(name: str) -> None:
    """The table that people read is that of the stored example, letter by letter."""
    shown = {
        "judged": lambda: outcome(),
        "refused": lambda: REFUSED,
        "first": lambda: outcome("accuracy >= 0.9", "accuracy not worse than champion", champion=False),
    }[name]()
    assert Path(__file__).with_name(f"report-{name}.txt").read_text(encoding="utf-8") == text_table(shown)


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("fail", 10), ("unsure", 11)])
def test_the_exit_code_is_the_verdicts(verdict: str, code: int) -> None:
    """0 passed, 10 a statistical no, 11 not enough evidence."""
    assert code == exit_code(Verdict(verdict))


def test_json_says_what_the_outcome_says() -> None:
    """The JSON object is JSON, names its kind, and holds null where nothing is known."""
    shown = json.loads(json.dumps(json_object(outcome(), "fraud"), allow_nan=False))
    assert ("windlass/v1", "gate", "fraud", "fail") == tuple(
        shown[key] for key in ("api", "kind", "service", "verdict")
    )
    assert (2, 18, 6, None) == (shown["query"], shown["queries_left"], len(shown["items"]), shown["items"][5]["value"])
    assert outcome().checks[2].sentence() == shown["items"][2]["sentence"]
    refused = json_object(REFUSED, "fraud")
    assert (None, None, ["the holdout has no rows", "and no label"]) == (
        refused["query"],
        refused["queries_left"],
        refused["refusals"],
    )


def test_markdown_escapes_what_would_break_its_table() -> None:
    """A pipe or an angle bracket in a line stays text."""
    odd = GateOutcome(Verdict.FAIL, (CheckResult("missing(a|<b>) <= 1%", Verdict.FAIL, "missing(a|<b>)", note="x|y"),))
    shown = markdown(odd, "fraud")
    assert "| fail | missing(a\\|&lt;b>) &lt;= 1% | - |" in shown
    assert "missing(a\\|&lt;b>): x\\|y" in shown.splitlines()[2]


def test_markdown_has_a_table_only_where_something_was_checked() -> None:
    """A refusal is a sentence, not an empty table."""
    assert "|" not in markdown(REFUSED, "fraud")
    assert 8 == sum(line.startswith("|") for line in markdown(outcome(), "fraud").splitlines())


def cases(shown: str) -> list[tuple[str, str, str]]:
    """Name, kind and words of every case of a JUnit text."""
    suite = ElementTree.fromstring(shown)
    found = []
    for case in suite:
        (inner,) = case
        found.append(
            (case.attrib["name"], inner.attrib.get("type", inner.tag), inner.attrib.get("message", inner.text or ""))
        )
    assert suite.attrib["tests"] == str(len(found))
    assert suite.attrib["failures"] == str(sum(kind in ("fail", "unsure") for _, kind, _ in found))
    return found


def test_junit_has_a_case_for_each_check() -> None:
    """Unsure is a failure of its own type, and each case carries its sentence."""
    shown = outcome()
    found = cases(junit(shown, "fraud"))
    assert ["system-out", "unsure", "unsure", "system-out", "fail", "unsure"] == [kind for _, kind, _ in found]
    assert [check.sentence() for check in shown.checks] == [words for _, _, words in found]
    first = cases(junit(outcome("accuracy >= 0.9", "accuracy not worse than champion", champion=False), "fraud"))
    assert ["system-out", "skipped"] == [kind for _, kind, _ in first]


def test_junit_never_passes_what_did_not_pass() -> None:
    """A gate without any check and a refused one have a failing case; both ways control characters are gone."""
    assert [("the gate passes", "unsure")] == [
        (name, kind) for name, kind, _ in cases(junit(GateOutcome(Verdict.UNSURE), "f"))
    ]
    assert ["unsure", "unsure"] == [kind for _, kind, _ in cases(junit(REFUSED, "f"))]
    odd = GateOutcome(Verdict.FAIL, (CheckResult("a\x00b", Verdict.FAIL, "m", note="c\x1bd"),))
    assert [("a b", "fail", "m: c d")] == cases(junit(odd, "f"))


def test_a_bound_without_end_is_unknown() -> None:
    """Where one side has no bound the table says unknown."""
    half = CheckResult(
        "mae", Verdict.UNSURE, "mae", 30, 1.0, None, 2.0, margin=1.0, relative_to="champion", unit="number"
    )
    assert "unknown to +2  -1" in text_table(GateOutcome(Verdict.UNSURE, (half,)))


def test_the_best_release_is_told_from_the_champion() -> None:
    """Two checks of one line are told apart by what they are held against."""
    given = GateInput(
        (parse_line("accuracy not worse than champion"),),
        holdout(LABELS),
        classes(CANDIDATE, MINE),
        classes(CHAMPION, THEIRS),
        classes("best", THEIRS),
    )
    names = [name for name, _, _ in cases(junit(judge(given), "fraud"))]
    assert ["accuracy not worse than champion", "accuracy not worse than champion (against the best)"] == names
