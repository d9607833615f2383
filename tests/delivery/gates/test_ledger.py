"""How often the same rows were asked."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.delivery.gates.ledger import Asked, Ledger, Look, RowTable, look, row_digests
from windlass.kernel.digests import digest_of_value
from windlass.kernel.records import from_json, to_json
from windlass.maths.spending import alpha_of_query

ALPHA = 0.05


def table(rows: Sequence[int], **more: Sequence[Any]) -> RowTable:
    """Rows told apart by one column `x`; more columns may stand beside it, `y` being the label."""
    columns = {"x": list(rows), **more}
    names = tuple(sorted(name for name in columns if name != "y"))
    digest = digest_of_value([list(column) for column in columns.values()])
    return RowTable(columns, names, row_digests(columns, names), digest)


def ask(ledger: Ledger, *candidates: str, rows: RowTable) -> tuple[Ledger, list[int]]:
    """The ledger after some candidates, and the number of each query."""
    queries = []
    for candidate in candidates:
        seen = look(ledger, candidate, rows, ALPHA)
        ledger = seen.after
        queries.append(seen.query)
    return ledger, queries


def test_each_candidate_is_one_query() -> None:
    """New candidates count upwards; one that was judged on these rows keeps its number, also after others."""
    _, queries = ask(Ledger(), "a", "b", "a", "c", "b", "a", rows=table(range(9)))
    assert [1, 2, 1, 3, 2, 1] == queries


def test_a_repeated_candidate_changes_nothing() -> None:
    """The same candidate on the same rows leaves the ledger as it is."""
    ledger, _ = ask(Ledger(), "a", "b", rows=table(range(9)))
    seen = look(ledger, "a", table(range(9)), ALPHA)
    assert (ledger, 1, 0) == (seen.after, seen.query, seen.fresh)


def test_one_changed_row_does_not_restart_the_count() -> None:
    """A holdout with one row replaced has been asked as often as before; only when all are replaced it begins anew."""
    ledger, _ = ask(Ledger(), "a", "b", "c", rows=table(range(10)))
    changed = look(ledger, "d", table([*range(9), 99]), ALPHA)
    assert (4, 1) == (changed.query, changed.fresh)
    kept = look(changed.after, "e", table([0, *range(100, 109)]), ALPHA)
    assert 5 == kept.query
    renewed = look(kept.after, "f", table(range(200, 210)), ALPHA)
    assert (1, 10) == (renewed.query, renewed.fresh)


def test_a_changed_candidate_row_is_a_new_query() -> None:
    """A candidate judged again on other rows, be it one corrected label, is a query of its own."""
    rows = list(range(5))
    ledger, _ = ask(Ledger(), "a", rows=table(rows, y=[0, 1, 0, 1, 0]))
    assert 2 == look(ledger, "a", table(rows, y=[1, 1, 0, 1, 0]), ALPHA).query


def test_old_rows_that_come_back_are_remembered() -> None:
    """Two holdouts in turn do not wash each other clean."""
    ledger, one = ask(Ledger(), "a", "b", rows=table(range(5)))
    ledger, other = ask(ledger, "c", rows=table(range(5, 10)))
    _, again = ask(ledger, "d", rows=table(range(5)))
    assert ([1, 2], [1], [3]) == (one, other, again)


def test_renewing_a_fifth_each_time_never_runs_out() -> None:
    """With a fifth of the rows renewed for each release no row is asked more than five times."""
    ledger, queries = Ledger(), []
    for release in range(30):
        seen = look(ledger, f"v{release}", table(range(20 * release, 20 * release + 100)), ALPHA)
        ledger = seen.after
        queries.append(seen.query)
    assert [1, 2, 3, 4, 5, 5, 5] == queries[:7]
    assert 5 == max(queries)


def test_a_column_that_is_added_makes_no_row_new() -> None:
    """Rows keep the identity they began with, so a new feature column does not restart the count."""
    ledger, _ = ask(Ledger(), "a", rows=table(range(5)))
    wider = table(range(5), z=["new"] * 5)
    assert 2 == look(ledger, "b", wider, ALPHA).query


def test_a_column_that_is_gone_cannot_show_rows_to_be_new() -> None:
    """Where the old identity cannot be computed any more the count goes on, with the new identity from here."""
    ledger, _ = ask(Ledger(), "a", "b", rows=table(range(5), z=[1, 2, 3, 4, 5]))
    seen = look(ledger, "c", table(range(100, 105)), ALPHA)
    assert (3, 0, ("x",)) == (seen.query, seen.fresh, seen.after.columns)
    assert 4 == look(seen.after, "d", table(range(100, 105)), ALPHA).query


def test_after_twenty_queries_nothing_is_left() -> None:
    """The twenty-first look at the same rows may spend nothing; each before it spends less than the one before."""
    ledger, looks = Ledger(), []
    for number in range(21):
        looks.append(seen := look(ledger, f"v{number}", table(range(3)), ALPHA))
        ledger = seen.after
    spent = [seen.alpha for seen in looks]
    assert [alpha_of_query(query) for query in range(1, 21)] == spent[:20]
    assert None is spent[20]
    assert [19, 18, 0, 0] == [looks[0].left, looks[1].left, looks[19].left, looks[20].left]


def test_the_ledger_is_stored_and_read_back() -> None:
    """A ledger keeps everything through JSON."""
    ledger, _ = ask(Ledger(), "a", "b", rows=table(range(4)))
    assert ledger == from_json(Ledger, to_json(ledger))
    assert {"a": Asked(table(range(4)).digest, 1), "b": Asked(table(range(4)).digest, 2)} == ledger.candidates


def test_candidates_of_other_rows_are_forgotten() -> None:
    """A number is kept for the rows it was given on; the ledger does not grow with every candidate there ever was."""
    ledger, _ = ask(Ledger(), "a", "b", rows=table(range(4)))
    ledger, _ = ask(ledger, "c", rows=table(range(1, 5)))
    assert {"c"} == set(ledger.candidates)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (None, None, True),
        (float("nan"), float("nan"), True),
        (0.1, 0.1, True),
        ("1", 1, False),
        (True, 1, False),
        (None, "None", False),
        (b"x", "x", False),
    ],
)
def test_row_digests_depend_on_values_not_files(one: Any, other: Any, equal: bool) -> None:
    """A whole number is the same row as integer and as float, text is not a number, and missing equals missing."""
    assert equal is (row_digests({"a": [one]}, ("a",)) == row_digests({"a": [other]}, ("a",)))


@given(st.lists(st.frozensets(st.integers(0, 8), min_size=1), max_size=8))
def test_no_row_is_asked_more_often_than_it_is_counted(holdouts: list[frozenset[int]]) -> None:
    """However rows come and go, a query's number is above how often any of its rows was asked before."""
    ledger, times = Ledger(), dict.fromkeys(range(9), 0)
    seen: Look
    for number, rows in enumerate(holdouts):
        seen = look(ledger, f"v{number}", table(sorted(rows)), ALPHA)
        assert 1 + max(times[row] for row in rows) == seen.query
        times.update({row: times[row] + 1 for row in rows})
        ledger = seen.after
