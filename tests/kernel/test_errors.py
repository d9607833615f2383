"""An error says what happened, where, and what to do; foreign text in it does no harm."""

from hypothesis import given
from hypothesis import strategies as st

from windlass.kernel.errors import (
    CLIP_CHARACTERS,
    Bug,
    Complaint,
    Refused,
    Unavailable,
    UserMistake,
    WindlassError,
    clip,
)


def test_an_error_reads_as_place_what_and_remedy() -> None:
    """The text names the place first and the remedy last, and leaves out what is empty."""
    full = UserMistake("no such branch", code="no-branch", where="repo@main", remedy="push it first")
    assert "repo@main: no such branch; push it first" == str(full)
    assert "no such branch" == str(UserMistake("no such branch", code="no-branch"))


def test_each_branch_is_an_error_of_windlass() -> None:
    """Whoever catches WindlassError catches all four branches, with code, place and remedy as fields."""
    for branch in (UserMistake, Refused, Unavailable, Bug):
        error = branch("what", code="some-code", where="here", remedy="do")
        assert isinstance(error, WindlassError)
        assert ("what", "some-code", "here", "do") == (error.what, error.code, error.where, error.remedy)


def test_a_complaint_is_one_sentence() -> None:
    """Place, field and what is wrong stand in one line; an empty part leaves no colon."""
    assert (
        "windlass.yaml:9:7: gate[1]: unknown metric"
        == Complaint("windlass.yaml:9:7", "gate[1]", "unknown metric").sentence()
    )
    assert "unknown metric" == Complaint("", "", "unknown metric").sentence()


def test_long_and_odd_text_is_clipped_and_escaped() -> None:
    """Control characters are escaped, and a long text ends with an ellipsis after 199 characters."""
    assert r"a\x1b[31mb\n" == clip("a\x1b[31mb\n")
    assert "x" * (CLIP_CHARACTERS - 1) + "…" == clip("x" * 1_000)
    assert "x" * CLIP_CHARACTERS == clip("x" * CLIP_CHARACTERS)


@given(st.text())
def test_clipped_text_is_always_printable_and_short(text: str) -> None:
    """Whatever the text, the result can be printed in a terminal and has at most 200 characters."""
    assert clip(text).isprintable()
    assert len(clip(text)) <= CLIP_CHARACTERS
