"""Gate zero: answers as built, and signatures that fit callers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.delivery.gates.rows import Answers
from windlass.delivery.gates.types import Apart, Verdict
from windlass.delivery.gates.zero import (
    answers_check,
    apart_check,
    label_check,
    signature_breaks,
    signature_check,
    start_check,
)

AGE = {"name": "age", "datatype": "INT64", "required": True, "nullable": False}
HOME = {"name": "home", "datatype": "BYTES", "required": False, "nullable": True}
OUTPUTS = [
    {"name": "prediction", "datatype": "INT64", "shape": [-1]},
    {"name": "probability", "datatype": "FP64", "shape": [-1, 2]},
]
TABLE = {"inputs": [], "outputs": OUTPUTS, "columns": [AGE, HOME], "classes": [0, 1]}
TENSOR = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}], "outputs": OUTPUTS, "columns": []}


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        ([1, 0, "a"], [1, 0, "a"], True),
        ([0.5], [0.50004], True),
        ([0.5], [0.5006], False),
        ([0.0], [5e-7], True),
        ([0.0], [5e-6], False),
        ([1], [1.0], True),
        ([1], [0], False),
        (["a"], ["b"], False),
        ([0.5], ["a"], False),
        ([0.5], [None], False),
        ([[0.1, 0.9]], [[0.1, 0.9]], True),
        ([[0.1, 0.9]], [[0.1, 0.8]], False),
        ([[0.1, 0.9]], [[0.1]], False),
        ([], [], True),
    ],
)
def test_answers_are_compared_with_a_tolerance(before: list[Any], now: list[Any], same: bool) -> None:
    """Numbers may differ by one part in ten thousand, classes not at all."""
    found = answers_check({"predictions": before, "probabilities": None}, Answers("c", now))
    assert (Verdict.PASS if same else Verdict.FAIL) is found.verdict


def test_a_changed_answer_is_shown() -> None:
    """The first sample row that differs is named with both answers."""
    recorded = {"predictions": [1, 1, 0], "probabilities": [[0.1, 0.9], [0.4, 0.6], [0.8, 0.2]]}
    same = Answers("c", [1, 1, 0], [[0.1, 0.9], [0.4, 0.6], [0.8, 0.2]])
    assert (
        "answers: 3 sample rows are answered as when they were built (to 0.0001)"
        == answers_check(recorded, same).sentence()
    )
    other = Answers("c", [1, 0, 0], [[0.1, 0.9], [0.6, 0.4], [0.7, 0.3]])
    assert (
        "answers: sample rows 2 and 3 answered 0 instead of 1 as when it was built"
        == answers_check(recorded, other).sentence()
    )
    unlike = Answers("c", [1, 1, 0], [[0.1, 0.9], [0.6, 0.4], [0.8, 0.2]])
    assert Verdict.FAIL is answers_check(recorded, unlike).verdict
    short = answers_check(recorded, Answers("c", [1]))
    assert (Verdict.FAIL, "1 answers to 3 sample rows") == (short.verdict, short.note)


def changed(signature: dict[str, Any], part: str, entry: int, **changes: Any) -> dict[str, Any]:
    """The signature with one entry of one part changed."""
    entries = [{**one, **changes} if index == entry else one for index, one in enumerate(signature[part])]
    return {**signature, part: entries}


NEW = {"name": "income", "datatype": "FP64"}
BREAKS = [
    ({**TABLE, "columns": [AGE]}, ('column "home" is gone',)),
    ({**TABLE, "columns": [AGE, HOME, NEW]}, ('column "income" is new and required',)),
    ({**TABLE, "columns": [AGE, HOME, {**NEW, "required": False}]}, ()),
    (changed(TABLE, "columns", 0, datatype="FP64"), ()),
    (changed(TABLE, "columns", 0, datatype="INT32"), ('column "age" takes INT32 instead of INT64',)),
    (changed(TABLE, "columns", 1, required=True), ('column "home" is now required',)),
    (changed(TABLE, "columns", 1, nullable=False), ('column "home" may no longer be empty',)),
    (changed(TABLE, "columns", 0, nullable=True, required=False), ()),
    ({**TABLE, "outputs": OUTPUTS[:1]}, ('output "probability" is gone',)),
    (
        changed(TABLE, "outputs", 1, shape=[-1, 3]),
        ('output "probability" has the shape [-1, 3] instead of [-1, 2]',),
    ),
    (
        changed(TABLE, "outputs", 0, datatype="BYTES"),
        ('output "prediction" has the datatype BYTES instead of INT64',),
    ),
    ({**TABLE, "outputs": [*OUTPUTS, {"name": "score", "datatype": "FP64", "shape": [-1]}]}, ()),
    ({**TABLE, "classes": [1, 0]}, ("the classes are [1, 0] instead of [0, 1]",)),
    ({**TABLE, "columns": []}, ("the model changed between rows of a table and tensors",)),
    (TABLE, ()),
]


@pytest.mark.parametrize(("after", "breaks"), BREAKS)
def test_callers_stumble_over_what_was_taken_away(after: dict[str, Any], breaks: tuple[str, ...]) -> None:
    """Removed or narrowed inputs, new duties and changed outputs break callers; additions do not."""
    assert breaks == signature_breaks(TABLE, after)


@pytest.mark.parametrize(
    ("changes", "breaks"),
    [
        ({}, ()),
        ({"shape": [-1, 5]}, ('input "x" takes the shape [-1, 5] instead of [-1, 4]',)),
        ({"shape": [-1, -1]}, ()),
        ({"shape": [-1]}, ('input "x" takes the shape [-1] instead of [-1, 4]',)),
        ({"shape": None}, ('input "x" takes the shape None instead of [-1, 4]',)),
        ({"name": "y"}, ('input "x" is gone', 'input "y" is new and required')),
    ],
)
def test_tensors_are_compared_by_shape(changes: dict[str, Any], breaks: tuple[str, ...]) -> None:
    """A tensor's dimension may become variable, and nothing else."""
    assert breaks == signature_breaks(TENSOR, changed(TENSOR, "inputs", 0, **changes))


WIDER = [
    ("BOOL", "UINT8 INT8 INT64 FP16 FP32 FP64"),
    ("UINT8", "UINT16 INT16 INT32 FP16 FP32 FP64"),
    ("UINT32", "UINT64 INT64 FP64"),
    ("INT16", "INT32 INT64 FP32 FP64"),
    ("INT64", "FP64"),
    ("FP16", "FP32 FP64"),
    ("FP32", "FP64"),
]
NARROWER = [
    ("INT64", "INT32 UINT64 FP32 BYTES"),
    ("UINT8", "INT8 BOOL BYTES"),
    ("FP64", "FP32 INT64"),
    ("BYTES", "FP64"),
]


def takes(before: str, after: str) -> bool:
    """Whether a column may change from one datatype to the other."""
    column = {"columns": [{"name": "x", "datatype": before}]}
    return not signature_breaks(column, {"columns": [{"name": "x", "datatype": after}]})


@pytest.mark.parametrize(("before", "after"), [(one, other) for one, many in WIDER for other in many.split()])
def test_a_datatype_may_widen(before: str, after: str) -> None:
    """A type that holds every old value keeps every caller."""
    assert takes(before, after)


@pytest.mark.parametrize(("before", "after"), [(one, other) for one, many in NARROWER for other in many.split()])
def test_a_datatype_may_not_narrow(before: str, after: str) -> None:
    """A type that lacks an old value breaks the callers who send it."""
    assert not takes(before, after)


@given(st.sampled_from([TABLE, TENSOR, {}]))
def test_no_signature_breaks_itself(signature: dict[str, Any]) -> None:
    """The same signature fits its own callers."""
    assert () == signature_breaks(signature, signature)


def test_a_break_must_be_declared() -> None:
    """Breaking callers fails the gate, unless the file declares it; either way it is told."""
    after = {**TABLE, "columns": [AGE]}
    refused = signature_check(TABLE, after, breaking=False)
    assert (Verdict.FAIL, 'column "home" is gone; write `breaking: true` if callers are ready for it') == (
        refused.verdict,
        refused.note,
    )
    declared = signature_check(TABLE, after, breaking=True)
    assert (Verdict.PASS, 'breaking as declared: column "home" is gone') == (declared.verdict, declared.note)
    assert Verdict.PASS is signature_check(TABLE, TABLE, breaking=False).verdict
    assert Verdict.NOT_APPLICABLE is signature_check({}, TABLE, breaking=False).verdict


def test_a_model_must_not_read_its_label() -> None:
    """A model whose columns hold the label fails before any row is asked."""
    assert (
        'label: the model reads the column "age", which it shall predict; train it without'
        == label_check(TABLE, "age").sentence()
    )
    assert [Verdict.PASS, Verdict.PASS] == [label_check(TABLE, "y").verdict, label_check(TABLE, "").verdict]


def test_what_the_build_found_about_shared_rows_is_told() -> None:
    """The sentence stands in the verdict. Shared rows, and what could not be compared, never pass."""
    found = {"sentence": "no row is in both"}
    cases = [
        (Apart(found), Verdict.PASS, "overlap: no row is in both"),
        (Apart(found, refuse=True), Verdict.UNSURE, "overlap: no row is in both"),
        (Apart(words="nobody knows"), Verdict.NOT_APPLICABLE, "overlap: nobody knows"),
        (Apart(words="it is gone", refuse=True), Verdict.UNSURE, "overlap: it is gone"),
    ]
    for apart, verdict, words in cases:
        assert (verdict, words) == ((check := apart_check(apart)).verdict, check.sentence())


def test_a_release_that_does_not_start_fails_in_its_own_words() -> None:
    """The last words of the release are the check's."""
    assert (Verdict.FAIL, "start: no module named skops") == (
        (found := start_check("no module named skops")).verdict,
        found.sentence(),
    )
