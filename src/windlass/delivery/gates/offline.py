"""Two tables of answers judged without a control plane: `windlass gate --candidate a --champion b`.

Rows are joined by id (or by position where asked). Rows that only one table has, and rows whose labels contradict each
other, are counted and listed, never guessed. Without a gate line the columns say which one is meant.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

from windlass.delivery.gates.holdouts import Columns
from windlass.delivery.gates.judge import ALPHA, GateInput, Spend, judge
from windlass.delivery.gates.ledger import HOLDOUT_SPENT, Ledger, RowTable, look, row_digests
from windlass.delivery.gates.lines import Line, parse_line
from windlass.delivery.gates.rows import Answers, Holdout, spoiled
from windlass.delivery.gates.samples import classes_of
from windlass.delivery.gates.types import GateOutcome
from windlass.kernel.digests import digest_of_value
from windlass.kernel.errors import UserMistake, clip

CLASSES_MAX = 20  # more different whole numbers than this are amounts, not classes
LISTED_MAX = 20


@dataclass(frozen=True, slots=True)
class Names:
    """How the columns are called in the tables."""

    id: str = "id"
    label: str = "label"
    prediction: str = "prediction"
    score: str = "score"
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of two tables. `labels` is a table of its own for labels; `by_row` joins by position; `ledger` None
    keeps no count. `name` is the candidate's in the ledger."""

    names: Names = field(default_factory=Names)
    checks: tuple[str, ...] = ()
    labels: Columns | None = None
    by_row: bool = False
    positive: Any = None
    ledger: Ledger | None = None
    name: str = "candidate"


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome, the lines that were judged (`chosen` says that the columns chose them), what could not be matched,
    and the ledger afterwards."""

    outcome: GateOutcome
    checks: tuple[str, ...]
    chosen: bool
    listed: tuple[str, ...]
    ledger: Ledger | None


def judge_tables(candidate: Columns, champion: Columns | None, question: Question) -> Answer:
    """The verdict on the candidate's answers, beside the champion's where there are some.

    Raises:
        UserMistake: a column is missing, an id stands twice, or a check cannot be read.
    """
    names = question.names
    mine = _keyed("the candidate's table", candidate, question)
    theirs = None if champion is None else _keyed("the champion's table", champion, question)
    labels = mine if question.labels is None else _keyed("the labels' table", question.labels, question)
    tables = {"the candidate's": mine, "the labels'": labels, **({"the champion's": theirs} if theirs else {})}
    keys, listed = _matched(tables, labels, names.label)
    truth = [labels[key][names.label] for key in keys]
    _check("the label", truth, (Hashable,), "name a column of classes or numbers with --label")
    units = [mine[key][names.unit] for key in keys] if names.unit else []
    digest = digest_of_value(sorted(row_digests({"id": keys, "label": truth}, ("id", "label"))))
    checks = question.checks or (_chosen(mine, keys, truth, names),)
    table = RowTable({"id": keys}, ("id",), row_digests({"id": keys}, ("id",)), digest)
    seen = None if question.ledger is None else look(question.ledger, question.name, table, ALPHA)
    given = GateInput(
        tuple(_line(text) for text in checks),
        Holdout(keys, truth, digest, units, {}, question.positive),
        _answers(question.name, [mine[key] for key in keys], truth, question),
        None if theirs is None else _answers("champion", [theirs[key] for key in keys], truth, question),
        spend=Spend() if seen is None else Spend(seen.query, seen.left, seen.alpha or ALPHA),
        refusals=(HOLDOUT_SPENT,) if seen is not None and seen.alpha is None else (),
        first=False,
    )
    outcome = judge(given)
    after = seen.after if seen is not None and outcome.query else question.ledger
    return Answer(outcome, tuple(checks), not question.checks, listed, after)


def _keyed(where: str, columns: Columns, question: Question) -> dict[str, dict[str, Any]]:
    """The table's rows by id, or by number."""
    key = question.names.id
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    if question.by_row:
        return {str(number): row for number, row in enumerate(rows, 1)}
    _need(where, columns, key, "rename with --id, or join by position with --by-row")
    found = {str(row[key]): row for row in rows}
    if len(found) < len(rows):
        twice = sorted(name for name, times in Counter(str(row[key]) for row in rows).items() if times > 1)
        words = f'{where} has {len(twice):,} ids more than once, "{clip(twice[0])}" for one'
        raise UserMistake(words, code="duplicate-ids", remedy="each row needs its own id")
    return found


def _need(where: str, columns: Columns, name: str, remedy: str) -> None:
    if name not in columns:
        words = f'{where} has no column "{clip(name)}"; it has {clip(", ".join(columns))}'
        raise UserMistake(words, code="missing-column", remedy=remedy)


def _matched(
    tables: Mapping[str, Mapping[str, Mapping[str, Any]]], labels: Mapping[str, Mapping[str, Any]], label: str
) -> tuple[list[str], tuple[str, ...]]:
    """The ids that every table has and no two label differently, in the labels' order; and what was left out."""
    first = next(iter(labels.values()), {})
    if labels:
        _need("the table with the labels", dict.fromkeys(first, ()), label, "rename with --label, or add --labels FILE")
    every = {key for rows in tables.values() for key in rows}
    unmatched = {key for key in every if any(key not in rows for rows in tables.values())}
    told = [rows for rows in tables.values() if rows and label in next(iter(rows.values()))]
    conflicting = {key for key in every - unmatched if len({str(rows[key][label]) for rows in told}) > 1}
    listed = []
    for noun, keys in (("in one table only", unmatched), ("with two labels", conflicting)):
        if keys:
            shown = ", ".join(sorted(keys)[:LISTED_MAX]) + (", ..." if len(keys) > LISTED_MAX else "")
            listed.append(f"{len(keys):,} rows {noun}, left out: {clip(shown)}")
    return [key for key in labels if key not in unmatched | conflicting], tuple(listed)


def _chosen(mine: Mapping[str, Mapping[str, Any]], keys: Sequence[str], truth: Sequence[Any], names: Names) -> str:
    """The check that the columns ask for: a score ranks, classes are right or wrong, numbers are near or far."""
    row = mine[keys[0]] if keys else {}
    if names.score in row:
        return "roc_auc not worse than champion"
    amounts = any(isinstance(label, float) and not label.is_integer() for label in truth)
    amounts |= not any(isinstance(label, (str, bool)) for label in truth) and len(set(truth)) > CLASSES_MAX
    return f"{'mae' if amounts else 'accuracy'} not worse than champion"


def _check(what: str, values: Sequence[Any], kinds: tuple[type, ...], remedy: str) -> None:
    for row, value in enumerate(values, 1):
        if not isinstance(value, kinds):
            words = f"{what} in row {row} is {clip(repr(value))}, which cannot be judged"
            raise UserMistake(words, code="bad-value", remedy=remedy)


def _line(text: str) -> Line:
    try:
        return parse_line(text)
    except ValueError as error:
        raise UserMistake(str(error), code="gate-line", where=f'--check "{clip(text)}"') from error


def _answers(release: str, rows: Sequence[Mapping[str, Any]], truth: Sequence[Any], question: Question) -> Answers:
    names = question.names
    if rows and names.prediction not in rows[0] and names.score not in rows[0]:
        words = f'the table of {release} has neither "{names.prediction}" nor "{names.score}"'
        raise UserMistake(words, code="missing-column", remedy="rename with --prediction or --score")
    score = [row[names.score] for row in rows] if rows and names.score in rows[0] else None
    _check(f"the score of {release}", score or (), (int, float, NoneType), "rename with --score or --prediction")
    prediction = [row[names.prediction] for row in rows] if rows and names.prediction in rows[0] else []
    classes = classes_of(truth)
    if score is None or len(classes) != 2 or spoiled(score) or not all(0 <= value <= 1 for value in score):
        return Answers(release, prediction, score=score)
    if question.positive == classes[0]:
        classes.reverse()
    return Answers(release, prediction, [(1 - value, value) for value in score], classes, score)
