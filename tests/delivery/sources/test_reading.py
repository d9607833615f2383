"""Reading YAML: what no file may do to us, and where each value stands."""

import pytest

from windlass.delivery.sources.reading import Document, field_name, read_document
from windlass.kernel.limits import SPEC_BYTES_MAX, SPEC_DEPTH_MAX, SPEC_VALUES_MAX


def told(data: bytes | str) -> list[str]:
    complaints = read_document(data, "w.yaml")
    assert isinstance(complaints, tuple), complaints
    return [complaint.sentence() for complaint in complaints]


def document_of(data: bytes | str) -> Document:
    document = read_document(data, "w.yaml")
    assert isinstance(document, Document), document
    return document


def test_scalars_are_those_of_yaml_1_2() -> None:
    """Only true and false are booleans; dates, octal and sexagesimal numbers, yes and on are text."""
    text = "a: [yes, on, 0755, 1:30, 2026-01-01, .inf, 0x1F, 1_000, true, false, ~, null, '', -5, 1.5, 2e3, '5']"
    expected = ["yes", "on", "0755", "1:30", "2026-01-01", ".inf", "0x1F", "1_000"]
    assert [*expected, True, False, None, None, "", -5, 1.5, 2000.0, "5"] == document_of(text).value["a"]


def test_every_value_and_every_key_has_its_place() -> None:
    """Lines and columns count from 1, and a value that is missing stands where its parent is."""
    document = document_of("a:\n  - b\n  - {c: d}\n")
    assert (2, 5) == document.places["a", 0]
    assert (3, 9) == document.places["a", 1, "c"]
    assert (3, 6) == document.key_places["a", 1, "c"]
    assert "w.yaml:3:9: a[1].c: odd" == document.complaint(("a", 1, "c"), "odd").sentence()
    assert "w.yaml:3:6: a[1].c: odd" == document.complaint(("a", 1, "c"), "odd", key=True).sentence()
    assert "w.yaml:2:3: a.x: odd" == document.complaint(("a", "x"), "odd").sentence()
    assert "w.yaml:1:1: x: odd" == document.complaint(("x",), "odd").sentence()
    assert "w.yaml:1:1: odd" == document.complaint((), "odd", key=True).sentence()


def test_names_of_fields_are_dotted_and_safe() -> None:
    """Positions stand in brackets, and odd characters of a key are escaped."""
    assert "a.b[0].c" == field_name(("a", "b", 0, "c"))
    assert r"a\x1b.b\n" == field_name(("a\x1b", "b\n"))
    assert "" == field_name(())


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[{a: "])
@pytest.mark.parametrize("count", [SPEC_DEPTH_MAX + 1, 30_000, 200_000])
def test_deep_nesting_is_refused(opening: str, count: int) -> None:
    """Nesting that would crash the interpreter is a complaint, and it comes at once."""
    text = opening * count
    sentences = told(text[: SPEC_BYTES_MAX - 1])
    assert f"nested more than {SPEC_DEPTH_MAX} deep; write it flatter" in sentences[-1]


def test_nesting_up_to_the_limit_is_read() -> None:
    """Twenty levels are fine, twenty-one are not."""
    inner = SPEC_DEPTH_MAX - 1  # the file itself is the first level
    assert document_of("a: " + "[" * inner + "]" * inner).value
    assert ["w.yaml:1:23: nested more than 20 deep; write it flatter"] == told("a: " + "[" * 20 + "]" * 20)


def test_a_billion_laughs_are_refused_before_they_grow() -> None:
    """Anchors and aliases are complaints of the first pass, so nothing is ever multiplied."""
    levels = [f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]" for level in range(1, 20)]
    sentences = told("l0: &l0 lol\n" + "\n".join(levels))
    assert "w.yaml:1:5: &l0 is an anchor; take it out" == sentences[0]
    assert 20 + 19 * 9 == len(sentences)


def test_too_many_values_are_refused() -> None:
    """A list of data in a spec ends the reading at the limit."""
    limit = f"the file holds more than {SPEC_VALUES_MAX} values; keep data in files of its own"
    assert [f"w.yaml:1:{(SPEC_VALUES_MAX - 3) * 2 + 5}: {limit}"] == told("a: [" + "x," * SPEC_VALUES_MAX + "]")


def test_a_file_over_one_mebibyte_is_not_parsed() -> None:
    """The size is checked in bytes, before anything else."""
    what = "bytes, and 1 MiB is the limit; keep data in files of its own"
    assert [f"w.yaml:1:1: the file has {SPEC_BYTES_MAX + 1} {what}"] == told(b"[" * (SPEC_BYTES_MAX + 1))
    assert [f"w.yaml:1:1: the file has {SPEC_BYTES_MAX + 2} {what}"] == told("é" * (SPEC_BYTES_MAX // 2 + 1))


def test_bytes_that_are_not_utf8_are_refused_at_their_place() -> None:
    """The complaint names the byte's line and column, counted in characters."""
    assert ["w.yaml:2:5: byte 12 is not UTF-8; save the file as UTF-8"] == told("éé: x\n".encode() + b"a: b\xff")


def test_control_characters_are_refused_at_their_place() -> None:
    """An escape sequence or a lone surrogate in the text itself is shown escaped."""
    assert [r'w.yaml:2:4: "\x1b" is a control character; take it out'] == told("a: x\nb: \x1b[31m")
    assert [r'w.yaml:1:4: "\ud800" is a control character; take it out'] == told("a: \ud800")
    assert [r'w.yaml:1:1: "\x00" is a control character; take it out'] == told(b"\x00\x01")


def test_a_byte_order_mark_is_no_mistake() -> None:
    """Editors that write one do no harm."""
    assert {"a": "b"} == document_of(b"\xef\xbb\xbfa: b").value
    assert (1, 1) == document_of(b"\xef\xbb\xbfa: b").key_places[("a",)]


def test_what_was_found_before_a_syntax_error_is_told_too() -> None:
    """An alias stays a complaint where the text breaks off later."""
    assert 2 == len(told("a: *x\nb: ["))
