"""Digests name content, and nothing that is not one passes as one."""

import pytest

from windlass.kernel.digests import digest_of, digest_of_value, hex_of, parse_digest, short

EMPTY = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"  # BLAKE3's own test vector


def test_a_digest_is_blake3() -> None:
    """No bytes have the digest of BLAKE3's published vector."""
    assert EMPTY == digest_of(b"")


def test_equal_values_have_equal_digests() -> None:
    """A value's digest depends on its content, neither on the order of its keys nor on list or tuple."""
    assert digest_of_value({"a": 1, "b": [2]}) == digest_of_value({"b": (2,), "a": 1})
    assert digest_of(b'{"a":1}') == digest_of_value({"a": 1})
    assert digest_of_value({"a": 1}) != digest_of_value({"a": 2})


def test_people_see_twelve_and_files_are_called_by_sixty_four() -> None:
    """The short form has twelve hex digits, with and without the name of the hash; the hex has all."""
    assert "af1349b9f5f9" == short(EMPTY) == short(hex_of(parse_digest(EMPTY)))
    assert EMPTY.removeprefix("blake3:") == hex_of(parse_digest(EMPTY))


@pytest.mark.parametrize(
    "text", ["", EMPTY[:-1], EMPTY + "0", EMPTY.upper(), EMPTY.replace("blake3", "sha256"), EMPTY + "\n"]
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    """A digest that is cut, too long, in capitals, of another hash or with a newline raises ValueError."""
    with pytest.raises(ValueError, match="64 lower-case hex"):
        parse_digest(text)
