"""Records go to JSON and come back the same, and what does not fit is refused with its path."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.records import from_json, to_json

Name = NewType("Name", str)
Number = NewType("Number", int)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Leaf:
    name: Name
    size: float = 0.5


@dataclass(frozen=True, slots=True)
class Tree:
    leaf: Leaf
    colour: Colour
    kind: Literal["oak", "elm"]
    leaves: tuple[Leaf, ...] = ()
    pair: tuple[int, str] = (1, "a")
    tags: frozenset[str] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)
    by_number: dict[Number, Leaf] = field(default_factory=dict)
    maybe: Leaf | None = None
    positive: str | int | float | bool | None = None
    free: Mapping[str, object] = field(default_factory=dict)
    any: Any = None


LEAVES = st.builds(Leaf, st.text(max_size=5).map(Name), st.floats(allow_nan=False, allow_infinity=False))
TREES = st.builds(
    Tree,
    leaf=LEAVES,
    colour=st.sampled_from(Colour),
    kind=st.sampled_from(["oak", "elm"]),
    leaves=st.lists(LEAVES, max_size=3).map(tuple),
    pair=st.tuples(st.integers(), st.text(max_size=3)),
    tags=st.frozensets(st.text(max_size=3), max_size=3),
    counts=st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
    by_number=st.dictionaries(st.integers().map(Number), LEAVES, max_size=3),
    maybe=st.none() | LEAVES,
    positive=st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    free=st.dictionaries(st.text(max_size=3), st.lists(st.integers(), max_size=2), max_size=2),
    any=st.none() | st.integers(),
)
SMALL: dict[str, Any] = {"leaf": {"name": "x"}, "colour": "red", "kind": "oak"}


@given(TREES)
def test_a_record_comes_back_from_its_json(tree: Tree) -> None:
    """Any record survives the way through canonical JSON text and back."""
    assert tree == from_json(Tree, json.loads(canonical_bytes(to_json(tree))))


def test_absent_fields_take_their_defaults() -> None:
    """A key with a default may be missing, and a whole number is taken where a float is meant."""
    assert Tree(Leaf(Name("x")), Colour.RED, "oak") == from_json(Tree, SMALL)
    assert 2.0 == from_json(Leaf, {"name": "x", "size": 2}).size


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"odd": 1}, "Tree: unknown key 'odd'"),
        ({"leaf": {}}, "Tree.leaf: missing key 'name'"),
        ({"leaf": []}, "Tree.leaf: expected an object, got list"),
        ({"leaf": {"name": 3}}, "Tree.leaf.name: expected str, got int"),
        ({"leaf": {"name": "x", "size": True}}, "Tree.leaf.size: expected float, got bool"),
        ({"colour": "green"}, "Tree.colour: 'green' is not a Colour"),
        ({"kind": "ash"}, "Tree.kind: expected one of ('oak', 'elm'), got str"),
        ({"leaves": {}}, "Tree.leaves: expected a list, got dict"),
        ({"leaves": [{"name": "x"}, {"name": None}]}, "Tree.leaves[1].name: expected str, got NoneType"),
        ({"pair": [1]}, "Tree.pair: expected 2 items, got list"),
        ({"counts": []}, "Tree.counts: expected an object, got list"),
        ({"counts": {"a": "b"}}, "Tree.counts.a: expected int, got str"),
        ({"positive": [1]}, "Tree.positive: no type of the union fits"),
        ({"kind": None}, "Tree.kind: expected one of ('oak', 'elm'), got NoneType"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(change: dict[str, Any], words: str) -> None:
    """Unknown and missing keys and wrong types raise ValueError that names where, and nothing is coerced."""
    with pytest.raises(ValueError, match=r".") as refusal:
        from_json(Tree, SMALL | change)
    assert words == str(refusal.value)


@dataclass(frozen=True, slots=True)
class Strict:
    either: int | str


def test_none_is_no_value_where_none_is_not_allowed() -> None:
    """A union without None refuses null."""
    with pytest.raises(ValueError, match=r"Strict\.either: expected a value, got NoneType"):
        from_json(Strict, {"either": None})
