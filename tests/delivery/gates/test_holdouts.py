"""A table as a holdout, and what is kept of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.delivery.gates.holdouts import prepare
from windlass.delivery.gates.ledger import Asked, Ledger
from windlass.delivery.gates.rows import Answers
from windlass.delivery.gates.stored import Scored, StoredScores, read_scores, scores_of, stored_scores, write_scores
from windlass.delivery.sources.types import DataSpec

COLUMNS: dict[str, list[Any]] = {"key": ["a", "b", "c"], "age": [30, 40, 30], "who": ["u", "u", "v"], "ill": [0, 1, 0]}
DATA = DataSpec(label="ill", id="key", unit="who", positive=1)


def test_a_table_becomes_rows_with_keys_labels_and_units() -> None:
    """The columns that `data:` names are the rows' keys, labels and units; the rest are features."""
    found = prepare(COLUMNS, DATA)
    rows = found.holdout
    assert () == found.refusals
    assert (("a", "b", "c"), [0, 1, 0], ("u", "u", "v"), 1) == (rows.keys, rows.labels, rows.units, rows.positive)
    assert {"age", "who"} == set(rows.columns)
    assert ("key",) == found.table.identity


def test_without_ids_rows_are_named_by_what_they_hold() -> None:
    """A row's key is the digest of its values without the label; equal rows are told apart by their number."""
    twins = {"age": [30, 30, 41], "ill": [0, 1, 0]}
    found = prepare(twins, DataSpec(label="ill"))
    first, second, third = found.holdout.keys
    assert (f"{first}#2", True) == (second, third not in (first, second))
    assert ("age",) == found.table.identity
    assert (first, third) == prepare({"age": [30, 41], "ill": [1, 1]}, DataSpec(label="ill")).holdout.keys


def test_a_table_of_labels_alone_has_a_key_for_each_row() -> None:
    """Nothing can be judged on it, and it is still a table of so many rows."""
    assert 3 == len(set(prepare({"ill": [0, 1, 0]}, DataSpec(label="ill")).holdout.keys))


def test_the_digest_is_of_the_rows_not_of_their_order() -> None:
    """Reordered rows and columns are the same holdout; a changed label or a renamed column is another."""
    backwards = {name: list(reversed(values)) for name, values in reversed(COLUMNS.items())}
    corrected = {**COLUMNS, "ill": [1, 1, 0]}
    digest = prepare(COLUMNS, DATA).holdout.digest
    assert digest == prepare(backwards, DATA).holdout.digest
    assert digest != prepare(corrected, DATA).holdout.digest
    renamed = {name.replace("age", "years"): values for name, values in COLUMNS.items()}
    assert digest != prepare(renamed, DATA).holdout.digest


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": "sick"}, 'the holdout has no column "sick" (data: label); its columns are key, age, who, ill'),
        ({"id": "nr"}, 'the holdout has no column "nr" (data: id); its columns are key, age, who, ill'),
        ({"unit": "user"}, 'the holdout has no column "user" (data: unit); its columns are key, age, who, ill'),
        ({"label": ""}, "data: names no label, so nothing can be judged; write `label: COLUMN`"),
    ],
)
def test_a_missing_column_is_refused_with_those_there_are(changes: dict[str, Any], words: str) -> None:
    """A column that `data:` names and the table lacks is refused; the message lists the table's columns."""
    found = prepare(COLUMNS, DataSpec(**{"label": "ill", "id": "key", "unit": "who", **changes}))
    assert ((words,), ()) == (found.refusals, found.holdout.keys)


MINE = Answers("mine", [0, 1, None], [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], [0, 1])
THEIRS = Answers("theirs", [0, 0, 0], score=[-1.0, 2.5, 0.0])
LEDGER = Ledger(("key",), {"x": 2}, {"mine": Asked("d", 2)})


def kept() -> StoredScores:
    """What is kept of one look."""
    scored = [Scored(MINE, [0.01, 0.02], 7), Scored(THEIRS), Scored(Answers("gone", trouble="it crashed"))]
    return stored_scores(prepare(COLUMNS, DATA), scored, LEDGER)


def test_scores_are_read_back_as_they_were_written() -> None:
    """Answers, process figures and ledger come back; a release without answers is not stored."""
    read = read_scores(write_scores(kept()))
    assert ({"mine", "theirs"}, LEDGER) == (set(read.releases), read.ledger)
    prepared = prepare(COLUMNS, DATA)
    assert Scored(MINE, [0.01, 0.02], 7) == scores_of(read, "mine", prepared)
    assert Scored(Answers("theirs", [0, 0, 0], None, [], [-1.0, 2.5, 0.0]), []) == scores_of(read, "theirs", prepared)
    assert write_scores(read) == write_scores(kept())


def test_losses_stand_beside_the_answers() -> None:
    """Classes are right or wrong, amounts are near or far, and what was not answered has no loss."""
    assert b'"loss":[0.0,0.0,null]' in write_scores(kept())
    amounts: dict[str, list[Any]] = {"key": ["a", "b", "c"], "cost": [1.5, 2.0, None]}
    scored = [Scored(Answers("mine", [1.0, 4, 1.0]))]
    written = write_scores(stored_scores(prepare(amounts, DataSpec(label="cost", id="key")), scored, Ledger()))
    assert b'"loss":[0.5,2.0,null]' in written


def test_labels_that_json_cannot_hold_are_kept_as_text() -> None:
    """A label such as a date is stored by its words."""
    dated: dict[str, list[Any]] = {"key": ["a"], "day": [complex(1, 2)]}
    scored = [Scored(Answers("mine", [complex(1, 2)]))]
    assert b'"(1+2j)"' in write_scores(stored_scores(prepare(dated, DataSpec(label="day", id="key")), scored, Ledger()))


def test_stored_answers_follow_the_rows_into_another_order() -> None:
    """Answers are found again by row, however the file is sorted."""
    backwards = {name: list(reversed(values)) for name, values in COLUMNS.items()}
    found = scores_of(kept(), "mine", prepare(backwards, DATA))
    other = scores_of(kept(), "theirs", prepare(backwards, DATA))
    assert found is not None and other is not None
    assert [None, 1, 0] == found.answers.prediction
    assert [[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]] == found.answers.probability
    assert [0.0, 2.5, -1.0] == other.answers.score


def test_answers_to_other_rows_are_not_used() -> None:
    """One changed value makes it another holdout, and an unknown release has no answers."""
    changed = prepare({**COLUMNS, "age": [30, 40, 31]}, DATA)
    assert None is scores_of(kept(), "mine", changed)
    assert None is scores_of(kept(), "nobody", prepare(COLUMNS, DATA))


@given(st.sampled_from([b"", b"[]", b"{}", b'{"format":2}', b"\xff"]))
def test_other_bytes_are_no_scores(data: bytes) -> None:
    """Bytes that are not stored scores are refused, not misread."""
    with pytest.raises(ValueError):
        read_scores(data)
