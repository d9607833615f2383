"""Paths are cleaned once, and none leaves the repository unseen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.delivery.sources.locations import below, cleaned, inside, location


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("a/b.csv", "a/b.csv"),
        ("./a//b/./c/", "a/b/c"),
        ("a/../b", "b"),
        ("../../b", "../../b"),
        ("//srv/a", "/srv/a"),
        ("/srv//a", "/srv/a"),
        ("file:///srv/a", "/srv/a"),
        ("FILE:///srv/a", "/srv/a"),
    ],
)
def test_one_place_has_one_spelling(written: str, path: str) -> None:
    """Dots, doubled slashes and file URLs end in the same path."""
    assert path == location(written)


@pytest.mark.parametrize(
    ("folder", "path", "seen"),
    [
        ("", "a/b", "a/b"),
        ("", ".", ""),
        ("m", "../a", "a"),
        ("m", "..", ""),
        ("m/n", "../../a", "a"),
        ("m", "../../a", None),
        ("", "..", None),
        ("", "/a", None),
    ],
)
def test_a_path_is_seen_from_the_root_or_not_at_all(folder: str, path: str, seen: str | None) -> None:
    """A relative path that climbs above the root of the repository is None."""
    assert seen == inside(folder, path)


def test_below_compares_whole_names() -> None:
    """A folder holds itself and what is in it, and no neighbour whose name begins alike."""
    assert below("a/b", "a")
    assert below("a", "a")
    assert below("a", "")
    assert below("a", ".")
    assert not below("ab", "a")
    assert not below("a", "a/b")


@given(st.text(alphabet="a./\\~ \n:", max_size=12))
def test_cleaning_twice_changes_nothing(written: str) -> None:
    """A path that is accepted is its own cleaned form, and a relative one never becomes absolute."""
    try:
        path = cleaned(written)
    except ValueError:
        return
    assert path == cleaned(path)
    assert path.startswith("/") == written.startswith("/")
    assert ".." not in path.lstrip("./").split("/")
