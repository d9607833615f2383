"""Paths are cleaned once, and none leaves the repository unseen."""

import re

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
        ("file://localhost/srv/a", "/srv/a"),
        ("file:///srv/my%20data/50%25.csv", "/srv/my data/50%.csv"),
        ("/srv/my%20data.csv", "/srv/my%20data.csv"),
    ],
)
def test_one_place_has_one_spelling(written: str, path: str) -> None:
    """Dots, doubled slashes and file URLs end in the same path."""
    assert path == location(written)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        *((f"{scheme}://a/b", f"{scheme}:// is not read yet") for scheme in ("s3", "gs", "az", "https", "http", "hf")),
        ("HTTPS://a/b", "https:// is not read yet"),
        ("ftp://a/b", '"ftp:" is unknown'),
        ("file://a/b", "is no file URL; write file:///folder/name"),
        ("file:/a/b", "is no file URL; write file:///folder/name"),
        ("file://localhost", "is no file URL"),
        ("file:///a/50%.csv", "write %25 for a per cent sign"),
        ("file:///a/%ff.csv", "is not UTF-8; write the path alone"),
        ("file:///a/%2e%2e/b", "climbs with .."),
        ("file:///a%0ab", "write it in printable characters"),
    ],
)
def test_what_is_not_read_says_so_at_once(written: str, words: str) -> None:
    """A URL that no build could read is refused where the file is checked, not where the build would fail."""
    with pytest.raises(ValueError, match=re.escape(words)):
        location(written)


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
