"""Numbers as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.delivery.gates.figures import confidence, distance, figure


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "share", "unknown"),
        (0.73149, "share", "0.7315"),
        (0.0123, "percent", "1.23 %"),
        (0.25, "seconds", "250 ms"),
        (12.0, "seconds", "12.00 s"),
        (3 * 2**20, "bytes", "3.0 MiB"),
        (1234, "rows", "1,234"),
        (3.14159, "number", "3.142"),
    ],
)
def test_a_value_is_written_in_its_unit(value: float | None, unit: str, text: str) -> None:
    """Each unit has one spelling."""
    assert text == figure(value, unit)


def test_differences_of_shares_are_points() -> None:
    """One point is a hundredth of a share; other differences keep their unit."""
    assert ("0.63 points", "0.31") == (distance(-0.0063, "share"), distance(0.31, "number"))


@given(st.floats(1e-7, 0.4))
def test_confidence_never_claims_more_than_there_is(alpha: float) -> None:
    """The shown confidence is at most the real one, and at most a tenth of the error rate away."""
    shown = float(confidence(alpha).removesuffix(" %")) / 100
    assert 1 - alpha * 1.1 - 1e-12 <= shown <= 1 - alpha + 1e-9
