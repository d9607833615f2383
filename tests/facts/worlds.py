"""Any facts at all, with names so few that they meet."""

import types
import typing
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from hypothesis import strategies as st

from windlass.facts.ledger import KINDS, Fact

RELEASES = tuple(f"blake3:{digit * 64}" for digit in "abc")
WORDS = {
    **dict.fromkeys(("release", "newer", "champion", "best", "leaves", "returns_to"), (*RELEASES, "")),
    "build_key": ("k1", "k2", "k3"),
    "commit": ("c1", "c2", "c3"),
    "rollout": ("r1", "r2"),
    "act": ("a1", "a2"),
    "verdict": ("pass", "fail", "unsure"),
    "outcome": ("promoted", "rolled_back", "aborted", "superseded", "replaced"),
    "branch": ("main", "next"),
    "repository": ("/repo",),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text("aé\n"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("xy", max_size=2), inner, max_size=2),
    max_leaves=3,
)
CHECK = st.fixed_dictionaries({"relative_to": st.sampled_from(["best", "champion", ""]), "better": st.booleans()})


def bodies(kind: type) -> st.SearchStrategy[Any]:
    """Any fact of one kind."""
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: _values(name, hint) for name, hint in hints.items()})


def facts(service: str = "visits") -> st.SearchStrategy[Fact]:
    """Any fact of one service."""
    body = st.one_of([bodies(kind) for kind in KINDS.values()])
    return st.builds(Fact, st.just(service), st.integers(0, 10**13), body)


def histories(service: str = "visits", size: int = 30) -> st.SearchStrategy[list[Fact]]:
    """Any facts of one service in any order."""
    return st.lists(facts(service), max_size=size)


def _values(name: str, hint: Any) -> st.SearchStrategy[Any]:
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    if name == "checks":
        return st.lists(CHECK, max_size=2).map(tuple)
    if name in WORDS:
        return st.sampled_from(WORDS[name])
    origin, args = get_origin(hint), get_args(hint)
    if origin is types.UnionType or origin is typing.Union:
        return st.none() | _values(name, args[0])
    if origin is tuple:
        return st.lists(_values("", args[0]), max_size=2).map(tuple)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        items = st.text(max_size=5) if args[1] is str else JSON
        return st.dictionaries(st.text("xyz", max_size=2), items, max_size=2)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: st.text(max_size=5),
        int: st.integers(-(2**53), 2**53),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
    }
    return plain[hint]
