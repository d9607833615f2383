"""Two tables judged without a control plane."""

from typing import Any

import pytest

from tests.delivery.gates.scenes import scored
from windlass.delivery.gates.holdouts import Columns
from windlass.delivery.gates.ledger import Ledger
from windlass.delivery.gates.offline import Answer, Names, Question, judge_tables
from windlass.delivery.gates.types import Verdict
from windlass.kernel.errors import UserMistake
from windlass.maths.spending import QUERIES_MAX

LABELS, (MINE, THEIRS) = scored(300, 21, (0.2, 0.3))
IDS: list[Any] = [f"p{row}" for row in range(300)]
CANDIDATE: Columns = {"id": IDS, "label": LABELS, "score": MINE}
CHAMPION: Columns = {"id": IDS, "label": LABELS, "score": THEIRS}


def ask(candidate: Columns, champion: Columns | None = None, **more: Any) -> Answer:
    """The answer to one question."""
    return judge_tables(candidate, champion, Question(**more))


@pytest.mark.parametrize(
    ("columns", "check"),
    [
        ({"score": MINE}, "roc_auc not worse than champion"),
        ({"prediction": [int(score > 0.5) for score in MINE]}, "accuracy not worse than champion"),
        ({"prediction": MINE, "label": MINE}, "mae not worse than champion"),
        ({"prediction": list(range(300)), "label": list(range(300))}, "mae not worse than champion"),
        (
            {"prediction": ["a", "b"] * 150, "label": [f"c{row}" for row in range(300)]},
            "accuracy not worse than champion",
        ),
        ({"prediction": [True, False] * 150, "label": [True, False] * 150}, "accuracy not worse than champion"),
    ],
)
def test_the_columns_say_what_is_checked(columns: Columns, check: str) -> None:
    """A score ranks, classes are right or wrong, numbers are near or far."""
    table = {"id": IDS, "label": LABELS, **columns}
    found = ask(table, table)
    assert ((check,), True) == (found.checks, found.chosen)


def test_a_given_check_is_taken_as_it_is() -> None:
    """Gate lines may be given, thresholds too; a score in (0, 1) is also a probability."""
    lines = ("roc_auc >= 0.6", "log_loss <= 0.9", "roc_auc not worse than champion by 10pp")
    found = ask(CANDIDATE, CHAMPION, checks=lines)
    assert (Verdict.PASS, False, lines) == (found.outcome.verdict, found.chosen, found.checks)


def test_without_a_champion_comparisons_are_unsure() -> None:
    """A comparison without a second table is not a first release: it stays unsure, and so does the verdict."""
    found = ask(CANDIDATE, None, checks=("roc_auc >= 0.6", "roc_auc not worse than champion"))
    assert [Verdict.PASS, Verdict.UNSURE] == [check.verdict for check in found.outcome.checks]
    assert Verdict.UNSURE is found.outcome.verdict


def test_rows_are_matched_and_the_rest_is_listed() -> None:
    """Rows of one table only and rows with two labels are left out, counted and listed."""
    champion = {
        "id": [*IDS[1:], "q"],
        "label": [1 - LABELS[1], *LABELS[2:], 0],
        "score": [*THEIRS[1:], 0.5],
    }
    found = ask(CANDIDATE, champion)
    assert 298 == found.outcome.rows
    assert ("2 rows in one table only, left out: p0, q", "1 rows with two labels, left out: p1") == found.listed


def test_a_long_list_is_cut() -> None:
    """Twenty of many unmatched rows are named."""
    few = {name: values[:270] for name, values in CHAMPION.items()}
    (listed,) = ask(CANDIDATE, few).listed
    assert listed.startswith("30 rows in one table only, left out: p270, ")
    assert listed.endswith("p289, ...")


def test_labels_may_lie_in_a_table_of_their_own() -> None:
    """With a table of labels the two others need none, and only labelled rows are judged."""
    bare = {"id": IDS, "score": MINE}
    labels = {"id": IDS[:200], "label": LABELS[:200]}
    found = ask(bare, {"id": IDS, "score": THEIRS}, labels=labels)
    assert (200, ("100 rows in one table only, left out",)) == (
        found.outcome.rows,
        tuple(line.split(":")[0] for line in found.listed),
    )


def test_rows_may_be_joined_by_position() -> None:
    """Without ids the rows are taken in their order, where that is asked for."""
    bare = {"label": LABELS, "score": MINE}
    assert 300 == ask(bare, {"label": LABELS, "score": THEIRS}, by_row=True).outcome.rows


def test_columns_may_have_other_names() -> None:
    """Every column can be renamed, and rows can belong to units."""
    table = {"nr": IDS, "truth": LABELS, "p": MINE, "user": [row // 2 for row in range(300)]}
    found = ask(table, table, names=Names("nr", "truth", "said", "p", "user"), checks=("accuracy >= 0.5",))
    assert "accuracy needs predictions, and there is only a score" == found.outcome.checks[0].note
    ranked = ask(table, table, names=Names("nr", "truth", "said", "p", "user"), checks=("roc_auc >= 0.5",))
    assert ("bootstrap-t", Verdict.PASS) == (ranked.outcome.checks[0].method, ranked.outcome.verdict)


@pytest.mark.parametrize("positive", [None, 0, 1])
def test_a_score_speaks_of_the_positive_class(positive: int | None) -> None:
    """Declaring the other class positive turns a ranking round, and the probabilities with it."""
    lines = ("roc_auc >= 0.5", "log_loss <= 5")
    ranking, loss = ask(CANDIDATE, None, checks=lines, positive=positive).outcome.checks
    assert ranking.value is not None and loss.value is not None
    assert (ranking.value > 0.5, loss.value < 1) == (positive != 0, positive != 0)


def test_scores_outside_the_unit_interval_only_rank() -> None:
    """A margin is no probability: log loss is then unsure, the ranking is not."""
    table = {**CANDIDATE, "score": [10 * score for score in MINE]}
    found = ask(table, None, checks=("roc_auc >= 0.5", "log_loss <= 5"))
    assert [Verdict.PASS, Verdict.UNSURE] == [check.verdict for check in found.outcome.checks]


def test_without_a_ledger_nothing_is_counted() -> None:
    """A question without a ledger has the whole error rate; with one, each candidate spends."""
    plain = ask(CANDIDATE, CHAMPION)
    assert (0, 0.05, None) == (plain.outcome.query, plain.outcome.alpha, plain.ledger)
    first = ask(CANDIDATE, CHAMPION, ledger=Ledger(), name="v1")
    second = ask(CANDIDATE, CHAMPION, ledger=first.ledger, name="v2")
    again = ask(CANDIDATE, CHAMPION, ledger=second.ledger, name="v1")
    assert [1, 2, 1] == [found.outcome.query for found in (first, second, again)]
    assert first.outcome == again.outcome


def test_a_spent_ledger_gives_no_verdict() -> None:
    """After twenty candidates the rows answer nothing, and the ledger stays as it is."""
    ledger: Ledger | None = Ledger()
    for number in range(QUERIES_MAX):
        ledger = ask(CANDIDATE, None, ledger=ledger, name=f"v{number}", checks=("accuracy >= 0.5",)).ledger
    spent = ask(CANDIDATE, None, ledger=ledger, name="one more", checks=("accuracy >= 0.5",))
    assert (Verdict.UNSURE, 0, ledger) == (spent.outcome.verdict, spent.outcome.query, spent.ledger)
    assert "only" not in spent.outcome.refusals[0] and "20 queries" in spent.outcome.refusals[0]


WITHOUT_SCORE = {"id": IDS, "label": LABELS}
MISTAKES: list[tuple[Columns, Columns | None, dict[str, Any], str]] = [
    ({"label": LABELS, "score": MINE}, None, {}, 'the candidate\'s table has no column "id"; it has label, score'),
    (CANDIDATE, {"score": MINE}, {}, 'the champion\'s table has no column "id"'),
    ({**CANDIDATE, "id": ["a"] * 300}, None, {}, 'the candidate\'s table has 1 ids more than once, "a" for one'),
    ({"id": IDS, "score": MINE}, None, {}, 'the table with the labels has no column "label"'),
    (WITHOUT_SCORE, None, {}, 'the table of candidate has neither "prediction" nor "score"'),
    (
        {**CANDIDATE, "score": ["high"] * 300},
        None,
        {},
        "the score of candidate in row 1 is 'high', which cannot be judged",
    ),
    ({**CANDIDATE, "label": [[1]] * 300}, None, {}, "the label in row 1 is [1], which cannot be judged"),
    (CANDIDATE, None, {"checks": ("roc_acu >= 1",)}, 'unknown metric "roc_acu"; did you mean "roc_auc"?'),
]


@pytest.mark.parametrize(("candidate", "champion", "more", "words"), MISTAKES)
def test_what_cannot_be_judged_is_a_mistake_with_a_remedy(
    candidate: Columns, champion: Columns | None, more: dict[str, Any], words: str
) -> None:
    """A missing column, a doubled id or an unreadable check is the user's, and says what to do."""
    with pytest.raises(UserMistake) as error:
        ask(candidate, champion, **more)
    assert words in str(error.value)


def test_a_missing_label_or_score_is_said_not_stumbled_over() -> None:
    """A gap in a column leads to words that name the row."""
    gap = {**CANDIDATE, "label": [None, *LABELS[1:]]}
    assert ("the holdout has no label in row 1; label them or take them out",) == ask(gap).outcome.refusals
    silent = ask({**CANDIDATE, "score": [None, *MINE[1:]]})
    assert (Verdict.FAIL, "answers: the candidate answers nothing for 1 of 300 rows (row 1)") == (
        silent.outcome.verdict,
        silent.outcome.sentence(),
    )


def test_empty_tables_are_unsure() -> None:
    """Without a row there is no verdict but unsure."""
    empty: Columns = {"id": [], "label": [], "score": []}
    found = ask(empty, empty)
    assert (Verdict.UNSURE, ("the holdout has no rows",)) == (found.outcome.verdict, found.outcome.refusals)
