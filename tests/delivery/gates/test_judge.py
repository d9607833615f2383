"""From checks to a verdict."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.delivery.gates.scenes import BEST, CANDIDATE, CHAMPION, chances, check, classes, holdout, rights, scored
from windlass.delivery.gates.judge import GateInput, Spend, judge
from windlass.delivery.gates.limits import Process
from windlass.delivery.gates.lines import parse_line
from windlass.delivery.gates.rows import Answers, Holdout
from windlass.delivery.gates.types import CheckResult, GateOutcome, Verdict, check_json, check_of
from windlass.delivery.gates.zero import start_check

LABELS, CANDIDATE_SAYS, CHAMPION_SAYS = rights(1000, worse=4, better=9, wrong=30)
ROWS, MINE, THEIRS = holdout(LABELS), classes(CANDIDATE, CANDIDATE_SAYS), classes(CHAMPION, CHAMPION_SAYS)


def outcome(*lines: str, rows: Holdout = ROWS, candidate: Answers = MINE, **more: Any) -> GateOutcome:
    """The outcome of a gate with these lines."""
    return judge(GateInput(tuple(parse_line(line) for line in lines), rows, candidate, **more))


CASES = [
    (("accuracy >= 0.9",), None, "pass"),
    (("accuracy >= 0.99",), None, "fail"),
    (("accuracy >= 0.965",), None, "unsure"),
    (("accuracy >= 0.9", "accuracy >= 0.965"), None, "unsure"),
    (("accuracy >= 0.99", "accuracy >= 0.965"), None, "fail"),
    (("accuracy not worse than champion",), THEIRS, "pass"),
    (("accuracy better than champion",), THEIRS, "unsure"),
    (("accuracy better than champion by 5pp",), THEIRS, "fail"),
    (("accuracy not worse than champion",), None, "unsure"),
    (("accuracy >= 0.9", "accuracy not worse than champion"), None, "pass"),
    ((), THEIRS, "unsure"),
    (("rows >= 1000",), None, "unsure"),
    (("rows >= 1000", "accuracy >= 0.9"), None, "pass"),
    (("rows >= 1001", "accuracy >= 0.9"), None, "fail"),
    (("latency p99 <= 300ms", "memory <= 1Gi"), None, "unsure"),
]


@pytest.mark.parametrize(("lines", "champion", "verdict"), CASES)
def test_every_check_must_pass(lines: tuple[str, ...], champion: Answers | None, verdict: str) -> None:
    """One fail fails, one unsure holds, and a pass needs at least one check that speaks of the release."""
    assert verdict == outcome(*lines, champion=champion).verdict


@settings(max_examples=30)
@given(st.lists(st.sampled_from([line for lines, _, _ in CASES for line in lines]), max_size=4), st.booleans())
def test_unsure_never_passes(lines: list[str], compared: bool) -> None:
    """Whatever the lines, a verdict is a pass only if no check failed, none is unsure, and one passed."""
    found = outcome(*lines, champion=THEIRS if compared else None)
    verdicts = {check.verdict for check in found.checks}
    if found.verdict is Verdict.PASS:
        assert Verdict.PASS in verdicts <= {Verdict.PASS, Verdict.NOT_APPLICABLE}
    assert (Verdict.FAIL in verdicts) == (found.verdict is Verdict.FAIL)


def test_a_first_release_has_no_champion_to_lose_to() -> None:
    """Comparisons do not apply to a first release; where a champion was to be expected, they stay unsure."""
    first = outcome("accuracy >= 0.9", "accuracy not worse than champion")
    assert [Verdict.PASS, Verdict.NOT_APPLICABLE] == [found.verdict for found in first.checks]
    assert "accuracy: there is no champion to compare with" == first.checks[1].sentence()
    later = outcome("accuracy >= 0.9", "accuracy not worse than champion", first=False)
    assert (Verdict.UNSURE, Verdict.UNSURE) == (later.verdict, later.checks[1].verdict)


def test_the_best_release_ever_is_compared_with_too() -> None:
    """A candidate that is no worse than the champion but worse than the best ever does not pass."""
    best = classes(BEST, [1] * 1000)
    found = outcome("accuracy not worse than champion", champion=THEIRS, best=best)
    assert ["champion", "best"] == [one.relative_to for one in found.checks]
    assert [Verdict.PASS, Verdict.FAIL] == [one.verdict for one in found.checks]
    assert Verdict.FAIL is found.verdict


def test_the_best_release_is_not_compared_with_itself() -> None:
    """The best ever, on its way back after another champion, passes by what it is against that champion."""
    labels, new, old = rights(1000, better=40)
    back, worse = classes(BEST, new), classes(CHAMPION, old)
    found = outcome("accuracy better than champion", rows=holdout(labels), candidate=back, champion=worse, best=back)
    assert ["champion"] == [one.relative_to for one in found.checks]
    assert Verdict.PASS is found.verdict


def test_small_losses_do_not_add_up() -> None:
    """Ten releases, each 0.6 points worse, all pass against their champion; the mark stops them after one."""
    labels = [1] * 2000
    versions = [classes(f"v{n}", [0] * (200 + 12 * n) + [1] * (1800 - 12 * n)) for n in range(11)]
    lines = (parse_line("accuracy not worse than champion by 1pp"),)
    alone = [judge(GateInput(lines, holdout(labels), new, old)) for old, new in pairwise(versions)]
    assert {Verdict.PASS} == {found.verdict for found in alone}
    champion, best, passed = versions[0], versions[0], 0
    for new in versions[1:]:
        given = GateInput(lines, holdout(labels), new, champion, best if best is not champion else None)
        if judge(given).verdict is Verdict.PASS:
            champion, passed = new, passed + 1
    assert 1 == passed


def test_gate_zero_comes_first() -> None:
    """A release that does not start fails, whatever its lines would say, and no row is looked at."""
    found = outcome("accuracy >= 0.9", zero=(start_check("no such file: model.skops"),), spend=Spend(3, 17, 0.01))
    assert (Verdict.FAIL, 0, 1) == (found.verdict, found.query, len(found.checks))
    assert "start: no such file: model.skops" == found.sentence()


def test_a_verdict_spends_the_query_it_looked_with() -> None:
    """A look at labels is a query and is judged at its error rate; lines that ask no label spend none."""
    looked = outcome("accuracy >= 0.9", spend=Spend(3, 17, 0.004))
    assert (3, 17, 0.004, 0.004) == (looked.query, looked.queries_left, looked.alpha, looked.checks[0].alpha)
    assert 0 == outcome("rows >= 1000", spend=Spend(3, 17, 0.004)).query
    stricter = outcome("accuracy >= 0.952", spend=Spend(10, 10, 0.0003))
    assert (Verdict.PASS, Verdict.UNSURE) == (outcome("accuracy >= 0.952").verdict, stricter.verdict)


UNUSABLE = [
    (holdout([]), "the holdout has no rows"),
    (holdout([1, None, 1, float("nan")]), "the holdout has no label in rows 2 and 4; label them or take them out"),
    (
        Holdout(["a", "b", "a", "b"], [1, 0, 1, 0], "d"),
        "rows 1 and 3 of the holdout are the same row, or share one id, and 1 more like them",
    ),
    (holdout([1, [0], 1]), "the label is no single value in row 2; name a column of classes or numbers"),
    (
        holdout([1, 0, 1], ["u", None, "u"]),
        "the holdout has no unit in row 2; fill the column, or take `unit:` out of data:",
    ),
    (Holdout(["a", "a"], [1, 0], "d"), "rows 1 and 2 of the holdout are the same row, or share one id"),
]


@pytest.mark.parametrize(("rows", "words"), UNUSABLE)
def test_rows_that_cannot_be_judged_are_refused_by_name(rows: Holdout, words: str) -> None:
    """An empty, unlabelled or doubled holdout gives no verdict but unsure, names the rows, and spends no query."""
    candidate = classes(CANDIDATE, [1] * len(rows.keys))
    found = outcome("accuracy >= 0.5", rows=rows, candidate=candidate, spend=Spend(1, 19))
    assert (Verdict.UNSURE, (words,), 0) == (found.verdict, found.refusals, found.query)
    assert words == found.sentence()


def test_refusals_from_outside_stand_beside_those_of_the_rows() -> None:
    """What the job found wrong with the rows is said first."""
    found = outcome(
        "accuracy >= 0.5", rows=holdout([]), candidate=classes("c", []), refusals=("12 rows were trained on",)
    )
    assert ("12 rows were trained on", "the holdout has no rows") == found.refusals


def test_lines_about_the_process_need_no_rows() -> None:
    """Latency and memory are judged without a holdout, and refusals of rows do not touch them."""
    process = Process([0.01] * 300, 400 * 2**20)
    found = outcome("latency p99 <= 300ms", "memory <= 512Mi", rows=holdout([]), refusals=("no rows",), process=process)
    assert (Verdict.PASS, ()) == (found.verdict, found.refusals)


NAN = float("nan")


@pytest.mark.parametrize(
    "answers",
    [
        Answers("c", [1, None, 1, NAN]),
        Answers("c", [1, 1, 1, 1], score=[0.5, NAN, 0.5, None]),  # type: ignore[list-item]
        Answers("c", [1, 1, 1, 1], [(0.5, 0.5), (NAN, NAN), (0.5, 0.5), (0.5, NAN)], (0, 1)),
    ],
)
def test_a_candidate_that_answers_nothing_fails(answers: Answers) -> None:
    """A missing or NaN prediction, score or probability fails the release and names the rows; no query is spent."""
    found = outcome("accuracy >= 0.5", rows=holdout([1, 0, 1, 0]), candidate=answers, spend=Spend(1, 19))
    assert (Verdict.FAIL, 0) == (found.verdict, found.query)
    assert "answers: the candidate answers nothing for 2 of 4 rows (rows 2 and 4)" == found.sentence()


def test_many_bad_rows_are_named_by_the_first() -> None:
    """A message names five rows and counts the rest; one row is `row`."""
    found = outcome("accuracy >= 0.5", rows=holdout([1] * 9), candidate=classes("c", [None] * 8 + [1]))
    assert "(rows 1, 2, 3, 4, 5 and 3 more)" in found.sentence()
    assert (
        "(row 9)"
        in outcome("accuracy >= 0.5", rows=holdout([1] * 9), candidate=classes("c", [1] * 8 + [NAN])).sentence()
    )


def test_the_wrong_number_of_answers_is_no_answer() -> None:
    """A release that answers too few rows fails; as a champion it leaves comparisons unsure."""
    short = outcome("accuracy >= 0.5", candidate=classes("c", [1] * 3))
    assert (Verdict.FAIL, "answers: the candidate gives 3 answers to 1,000 rows") == (short.verdict, short.sentence())
    beside = check("accuracy not worse than champion", ROWS, MINE, classes(CHAMPION, [1] * 3))
    assert (Verdict.UNSURE, "the champion gives 3 answers to 1,000 rows") == (beside.verdict, beside.note)


def test_a_silent_champion_leaves_comparisons_unsure() -> None:
    """What the champion does not answer cannot be compared, and says why; the candidate is not blamed."""
    silent = check("accuracy not worse than champion", ROWS, MINE, classes(CHAMPION, [None, *CHAMPION_SAYS[1:]]))
    assert (Verdict.UNSURE, "the champion answers nothing for 1 of 1,000 rows (row 1)") == (silent.verdict, silent.note)
    gone = check("accuracy not worse than champion", ROWS, MINE, Answers(CHAMPION, trouble="no column age"))
    assert (Verdict.UNSURE, "the champion cannot be asked: no column age") == (gone.verdict, gone.note)


def test_one_class_leaves_a_ranking_unsure() -> None:
    """Where every row has one label nothing can be ranked, and the check says so."""
    found = check("roc_auc >= 0.7", holdout([1] * 60), chances(CANDIDATE, [0.5] * 60))
    assert (Verdict.UNSURE, "roc_auc: every row has the label 1; roc_auc needs both classes") == (
        found.verdict,
        found.sentence(),
    )
    pair = check("f1 not worse than champion", holdout([1] * 60), classes("a", [1] * 60), classes("b", [1] * 60))
    assert (Verdict.UNSURE, "every row has the label 1; f1 needs both classes") == (pair.verdict, pair.note)


def test_a_relative_margin_is_a_part_of_the_champions_value() -> None:
    """`by 2% relative` allows two per cent of what the champion reaches, and is no longer called exact."""
    labels, (mine, theirs) = scored(500, 5, (0.2, 0.3))
    found = check(
        "brier not worse than champion by 50% relative", holdout(labels), chances("a", mine), chances("b", theirs)
    )
    assert found.reference is not None
    assert pytest.approx(0.5 * found.reference) == found.margin
    assert not found.exact


def test_the_smallest_visible_margin_is_told() -> None:
    """The outcome says what margin these rows can see: that of the first comparison."""
    found = outcome("accuracy >= 0.9", "accuracy not worse than champion", champion=THEIRS)
    assert found.checks[1].margin_visible == found.margin_visible
    assert 0.008 < (found.margin_visible or 0) < 0.01
    assert outcome("accuracy >= 0.9").margin_visible is None


def test_the_order_of_rows_does_not_matter() -> None:
    """A holdout with its rows in another order gives the same checks, to the last digit."""
    labels, (mine, theirs) = scored(200, 9, (0.2, 0.3))
    lines = [parse_line("brier not worse than champion"), parse_line("f1 >= 0.5"), parse_line("roc_auc >= 0.6")]
    keys = [f"r{row}" for row in range(200)]

    def judged(order: list[int]) -> GateOutcome:
        rows = Holdout([keys[row] for row in order], [labels[row] for row in order], "d")
        candidate, champion = (chances("x", [said[row] for row in order]) for said in (mine, theirs))
        return judge(GateInput(tuple(lines), rows, candidate, champion))

    assert judged(list(range(200))) == judged(list(reversed(range(200))))


def test_a_check_is_stored_and_read_back() -> None:
    """A check keeps every field through JSON, and carries its sentence for those who only show it."""
    for found in outcome(
        "accuracy >= 0.9", "accuracy not worse than champion", "latency p99 <= 1s", champion=THEIRS
    ).checks:
        value = check_json(found)
        assert found.sentence() == value["sentence"]
        assert found == check_of(value)


SENTENCES = [
    (
        "accuracy >= 0.9",
        "accuracy 0.9660, at least 0.9550 with 95 % confidence (wanted >= 0.9000)",
    ),
    (
        "accuracy >= 0.99",
        "accuracy 0.9660, at most 0.9749 with 95 % confidence (wanted >= 0.9900)",
    ),
    (
        "accuracy >= 0.965",
        "accuracy 0.9660, between 0.9550 and 0.9749 (wanted >= 0.9650): not enough evidence, "
        "about 210,000 labels short",
    ),
    (
        "accuracy not worse than champion",
        "with 95 % confidence accuracy is at most 0.10 points worse than the champion (allowed 1.00 points)",
    ),
    (
        "accuracy better than champion",
        "accuracy is 0.50 points better than the champion, bounds 0.10 points worse and 1.19 points better "
        "(wanted better): not enough evidence, about 2,300 labels short",
    ),
    (
        "accuracy better than champion by 5pp",
        "with 95 % confidence accuracy is at most 1.19 points better than the champion (wanted 5.00 points better)",
    ),
]


@pytest.mark.parametrize(("line", "sentence"), SENTENCES)
def test_a_check_says_itself(line: str, sentence: str) -> None:
    """The sentence holds the measured value, the bound that decided, and what was wanted."""
    assert sentence == check(line, ROWS, MINE, THEIRS).sentence()


def test_losses_are_worse_when_they_are_higher() -> None:
    """For an error the upper bound decides, and a higher value is called worse."""
    labels, (mine, theirs) = scored(2000, 2, (0.9, 0.1))
    found = check("brier not worse than champion", holdout(labels), chances("a", mine), chances("b", theirs))
    assert (Verdict.FAIL, False) == (found.verdict, found.better)
    assert found.low is not None
    assert f"at least {found.low * 100:.2f} points worse than the champion" in found.sentence()
    absolute = check("brier <= 0.05", holdout(labels), chances("a", mine))
    assert f"at least {absolute.low or 0:.4f} with 95 % confidence" in absolute.sentence()


def test_a_pass_is_told_by_its_comparison() -> None:
    """The sentence of a gate that passed counts the checks and tells the comparison, where there is one."""
    both = outcome("accuracy >= 0.9", "accuracy not worse than champion", champion=THEIRS)
    assert f"all 2 checks passed: {both.checks[1].sentence()}" == both.sentence()
    alone = outcome("accuracy >= 0.9", "recall >= 0.5")
    assert Verdict.UNSURE is alone.verdict
    assert "no check could be applied, and a gate without a check passes nothing" == outcome().sentence()
    two = outcome("accuracy >= 0.9", "accuracy >= 0.8")
    assert f"all 2 checks passed: {two.checks[0].sentence()}" == two.sentence()


def test_bounds_without_end_are_unknown() -> None:
    """Where the rows give no bound, the sentence says unknown, and never a number."""
    found = CheckResult(
        "mae", Verdict.UNSURE, "mae", value=1.0, threshold=2.0, unit="number", higher=False, wanted="<="
    )
    assert "mae 1, between unknown and unknown (wanted <= 2): not enough evidence" == found.sentence()
    pair = CheckResult("mae", Verdict.UNSURE, "mae", value=1.0, margin=2.0, relative_to="champion", unit="number")
    assert (
        "mae is 1 better than the champion, bounds unknown and unknown (allowed 2): not enough evidence"
        == pair.sentence()
    )
