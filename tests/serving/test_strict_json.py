"""JSON without surprises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.serving.problems import ModelFailed, Rejected
from windlass.serving.protocols.strict_json import decode, encode

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_every_value_comes_through(value: Any) -> None:
    """What any JSON library writes is read as the same value, whatever colons and quotes its strings hold."""
    assert value == decode(json.dumps(value).encode())
    assert value == decode(encode(value))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b"[1] 2", "not-json"),
        (b"[NaN]", "not-json"),
        (b"[Infinity]", "not-json"),
        (b"[1e999]", "not-json"),
        (b'["\xff"]', "not-json"),
        (b'["\\ud800"]', "not-json"),
        (b"[" * 100_000, "too-deep"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "too-deep"),
        (b'{"a":1,"a":2}', "repeated-key"),
        (b'[{"b":[{"a":1,"\\u0061":2}]}]', "repeated-key"),
    ],
)
def test_bad_bodies_are_refused(body: bytes, code: str) -> None:
    """What is no JSON, too deep, beyond a double or says a key twice is the caller's mistake, by its name."""
    with pytest.raises(Rejected) as caught:
        decode(body)
    assert (400, code) == (caught.value.status, caught.value.code)


def test_the_repeated_key_is_named() -> None:
    """The refusal says which key stands twice, and how to write a missing value."""
    with pytest.raises(Rejected, match='key "age" twice'):
        decode(b'{"age": 1, "a:b": "age:1", "age": 2}')
    with pytest.raises(Rejected, match="send null"):
        decode(b'{"age": NaN}')


def test_answers_without_a_json_form_are_the_models_failure() -> None:
    """An answer that JSON cannot carry is never sent in another form."""
    with pytest.raises(ModelFailed):
        encode({"prediction": object()})
