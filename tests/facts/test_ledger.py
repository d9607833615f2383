"""A fact is stored as JSON and comes back the same, whatever it says."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.facts.worlds import bodies
from windlass.facts import types as kinds
from windlass.facts.ledger import KINDS, Fact, read_fact, write_fact
from windlass.facts.sentences import sentence
from windlass.kernel.instants import Instant

FROZEN = write_fact(Fact("visits", Instant(7), kinds.Frozen("ann", "holiday"), 3))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
@settings(max_examples=15)
@given(data=st.data())
def test_every_kind_of_fact_comes_back(kind: type, data: st.DataObject) -> None:
    """Any fact of any kind is the same after JSON text, and can be said in one sentence."""
    fact = Fact("visits", Instant(1_700_000_000_000), data.draw(bodies(kind)), 12)
    text = json.dumps(write_fact(fact))
    assert read_fact(json.loads(text)) == fact
    assert fact.kind == kind.__name__
    assert sentence(fact).strip()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "Nonsense"}, "unknown kind of fact: 'Nonsense'"),
        ({"body": {"who": "ann", "reason": "x", "until": None, "extra": 1}}, "unknown key 'extra'"),
        ({"body": {"who": "ann"}}, "missing key 'reason'"),
        ({"body": {"who": "ann", "reason": 5}}, "Frozen.reason: expected str, got int"),
        ({"body": []}, "expected an object"),
    ],
)
def test_what_is_no_fact_is_refused(change: dict[str, object], words: str) -> None:
    """Nothing in a stored fact is ignored or guessed."""
    with pytest.raises(ValueError, match=words):
        read_fact({**FROZEN, **change})
