"""Quantities: the table beside this file, the values that YAML reads, and text of any kind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.kernel.quantities import Difference, difference, duration, rate, share, size, written_as
from windlass.testing.tables import Row, read_table

KINDS: dict[str, Callable[[object], object]] = {
    "share": share,
    "difference": difference,
    "duration": duration,
    "size": size,
    "rate": rate,
}


def numbers_of(cell: str) -> object:
    number, _, relative = cell.partition(" ")
    return float(number), bool(relative)


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("quantities.txt")), ids=str)
def test_quantities(row: Row) -> None:
    """Every row of quantities.txt is what the text means, or what a person is told."""
    read = KINDS[row["kind"]]
    if row["complaint"]:
        with pytest.raises(ValueError, match=r".") as refusal:
            read(row["written"])
        assert row["complaint"] == str(refusal.value)
        return
    found = read(row["written"])
    number, relative = (found.size, found.relative) if isinstance(found, Difference) else (found, False)
    assert numbers_of(row["number"]) == (pytest.approx(number, rel=1e-12), relative)


@pytest.mark.parametrize(("value", "number"), [(0.05, 0.05), (1.0, 1.0), (0.00001, 0.00001), (0.0, 0.0)])
def test_a_number_of_yaml_is_a_share(value: float, number: float) -> None:
    """What YAML reads as a float is a share, however small it is."""
    assert number == share(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ({"a": 1}, "a mapping"),
        ([1], "a list"),
        ((1,), "a list"),
        (5, "5"),
        (5e-05, "0.00005"),
        (1e30, "1e+30"),
        (float("inf"), "inf"),
        ("x", "x"),
    ],
)
def test_a_refused_value_is_shown_as_it_was_written(value: object, shown: str) -> None:
    """A complaint shows the words of the file, never Python's."""
    assert shown == written_as(value)


@given(
    st.sampled_from(sorted(KINDS)),
    st.text() | st.from_regex(r"[0-9.]{1,4}[%a-zA-Z /]{0,4}") | st.integers() | st.floats(),
)
def test_any_value_gives_a_number_or_a_complaint(kind: str, value: object) -> None:
    """Nothing but ValueError is ever raised, and its message is short and printable."""
    try:
        found = KINDS[kind](value)
    except ValueError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 500
    else:
        number = found.size if isinstance(found, Difference) else found
        assert isinstance(number, (int, float))
        assert 0 <= number < float("inf")
