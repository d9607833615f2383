"""Rows that training and holdout share are told from rows that are equal by chance."""

import pytest

from windlass.delivery.builds.keys import environment_digest
from windlass.delivery.builds.overlaps import Columns, find_overlap, overlap_json


def columns(*rows: tuple[object, ...], names: str = "key a b") -> Columns:
    return {name: [row[index] for row in rows] for index, name in enumerate(names.split())}


TRAINING = columns((1, "x", 0.5), (2, "y", None), (3, "z", 1.5))


def test_ids_are_compared_where_both_have_them() -> None:
    """With an id one shared row is enough to refuse, whatever else stands in it."""
    found = find_overlap(TRAINING, columns((3, "other", 9.0), (4, "z", 1.5)), "key")
    assert ("id", 1, 2, 3, True) == (found.by, found.shared, found.holdout_rows, found.training_rows, found.refuse)
    assert "1 of 2 held-out rows are in the training data (by key)" == found.sentence()
    assert not find_overlap(TRAINING, columns((4, "z", 1.5)), "key").refuse


def test_whole_rows_are_compared_without_an_id() -> None:
    """Without an id, or where one table lacks it, the columns that both have are compared, missing values too."""
    found = find_overlap(TRAINING, columns((2, "y", None), (5, "y", 0.5)), "")
    assert ("row", 1, True, ("a", "b", "key")) == (found.by, found.shared, found.refuse, found.columns)
    other = find_overlap(TRAINING, columns(("y", None), ("y", 1.5), names="a b"), "key")
    assert ("row", 1, ("a", "b")) == (other.by, other.shared, other.columns)


def test_rows_that_are_equal_by_chance_do_not_refuse() -> None:
    """A fair parting of a table of few distinct rows shares some, and is not refused; a copied holdout is."""
    training = columns(*((n % 40, 0, 0) for n in range(80)), *((n, 1, 0) for n in range(120)))
    fair = columns(*((n, 0, 0) for n in range(20)), *((n, 2, 0) for n in range(30)))
    found = find_overlap(training, fair, "")
    assert (20, 20.0, False) == (found.shared, found.expected, found.refuse)
    assert found.sentence().endswith("(whole rows compared); about 20 are expected by chance")
    copied = columns(*((n % 40, 0, 0) for n in range(50)))
    assert find_overlap(training, copied, "").refuse


@pytest.mark.parametrize("holdout", [columns(names="key a b"), columns(("q",), names="other")])
def test_nothing_to_compare(holdout: Columns) -> None:
    """Empty tables and tables without a common column share nothing, and say so."""
    found = find_overlap(TRAINING, holdout, "")
    assert (0, False) == (found.shared, found.refuse)
    assert not find_overlap(holdout, columns(names="key a b"), "").refuse
    if not found.columns:
        assert "no column in common" in found.sentence()


def test_an_overlap_as_json() -> None:
    """Provenance stores the numbers with the sentence and what follows for the gate."""
    stored = overlap_json(find_overlap(TRAINING, TRAINING, "key"))
    assert (True, 3) == (stored["refuse"], stored["shared"])
    assert stored["sentence"].startswith("3 of 3 held-out rows")


def test_an_environments_digest() -> None:
    """The order of the lock and its blank lines do not matter; each version, the Python and the platform do."""
    digest = environment_digest("3.11", "linux-x86_64", "b==1\na==2\n")
    assert digest == environment_digest("3.11", "linux-x86_64", "a==2\n\nb==1")
    others = [
        ("3.12", "linux-x86_64", "a==2\nb==1"),
        ("3.11", "darwin-arm64", "a==2\nb==1"),
        ("3.11", "linux-x86_64", "a==2"),
    ]
    assert digest not in {environment_digest(*other) for other in others}
