"""Equal values have equal bytes: the vectors of RFC 8785, and a round trip over anything that JSON holds."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.kernel.canonical import canonical_bytes

# RFC 8785, appendix B: the bits of a double and its text.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_spelled_as_the_rfc_says(bits: str, text: str) -> None:
    """Every double of RFC 8785's appendix B has the RFC's text."""
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert text == canonical_bytes(number).decode()


def test_keys_are_sorted_by_utf16_units() -> None:
    """The example of RFC 8785 section 3.2.3 comes out in the RFC's order."""
    value = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\x80": 6, "ö": 7}
    assert '{"\\r":2,"1":4,"\x80":6,"ö":7,"€":1,"😀":5,"\ufb33":3}' == canonical_bytes(value).decode()


def test_the_example_of_the_rfc_comes_out_byte_for_byte() -> None:
    """The example of RFC 8785 section 3.2.2 has the bytes that the RFC prints."""
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert expected == canonical_bytes(value).decode()


def test_tuples_are_lists_and_nothing_stands_between_tokens() -> None:
    """A tuple is written as a list, and there are no blanks."""
    assert b'{"a":[1,[2,"x y"]]}' == canonical_bytes({"a": (1, [2, "x y"])})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), {1, 2}, b"x", object(), "\ud800"])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    """NaN, infinities, sets, bytes, objects and lone surrogates raise ValueError."""
    with pytest.raises(ValueError, match=r"."):
        canonical_bytes([value])


@given(JSON)
def test_canonical_text_reads_back_as_the_same_value(value: object) -> None:
    """Whatever JSON holds is read back equal, numbers as doubles, and writing it again gives the same bytes."""
    written = canonical_bytes(value)
    back = json.loads(written, parse_int=lambda text: int(text) if abs(int(text)) <= 2**53 else float(text))
    assert value == back
    assert written == canonical_bytes(back)


@given(st.dictionaries(st.text(), st.integers(), max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    """Two mappings that are equal have equal bytes, in whatever order they were filled."""
    assert canonical_bytes(value) == canonical_bytes(dict(reversed(value.items())))
