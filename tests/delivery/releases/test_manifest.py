"""A manifest names the same release for the same files, and no path in it leaves the release."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windlass.delivery.releases import manifest as manifests
from windlass.delivery.releases.manifest import ManifestFile, read_manifest, write_manifest
from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.digests import Digest, digest_of

DIGEST = digest_of(b"data")
FILES = (ManifestFile("code/app.py", 4, DIGEST), ManifestFile("model/m.onnx", 4, DIGEST))
NAMES = st.text("abcä", min_size=1, max_size=3)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@given(paths=st.sets(PATHS, max_size=6), order=st.randoms(use_true_random=False))
def test_the_same_files_are_the_same_manifest(paths: set[str], order: Random) -> None:
    """The order of the files does not matter, and reading gives what was written, sorted by path."""
    kept = [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]
    files = [ManifestFile(path, len(path), digest_of(path.encode())) for path in kept]
    data = write_manifest(files)
    order.shuffle(files)
    assert write_manifest(files) == data
    assert read_manifest(data) == tuple(sorted(files, key=lambda file: file.path))


def test_the_bytes_are_fixed() -> None:
    """The format is a promise: these files have this name for ever."""
    files = ",".join(f'{{"digest":"{DIGEST}","path":"{path}","size":4}}' for path in ("code/app.py", "model/m.onnx"))
    assert write_manifest(reversed(FILES)).decode() == '{"files":[' + files + '],"format":1}'


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "a\\b",
        "a\0b",
        "a\nb",
        "\ud800",
        "a/.",
    ],
)
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    """Neither writing nor reading accepts it."""
    with pytest.raises(ValueError, match="not a path inside a release"):
        write_manifest([ManifestFile(path, 4, DIGEST)])
    text = json.dumps({"files": [{"digest": DIGEST, "path": path, "size": 4}], "format": 1})
    with pytest.raises(ValueError, match="not a path inside a release"):
        read_manifest(text.encode())


@pytest.mark.parametrize(
    "paths",
    [
        ("a", "a"),
        ("a", "A"),
        ("a", "a/b"),
        ("A", "a/b"),
        ("x/a", "X/b"),
        ("\u00e9", "e\u0301"),
        ("manifest.json", "b"),
        ("Manifest.JSON", "b"),
    ],
)
def test_paths_that_could_meet_are_refused(paths: tuple[str, ...]) -> None:
    """Equal names, names that differ in case alone, a file that is a folder too, and the manifest's own name."""
    for order in (paths, paths[::-1]):
        with pytest.raises(ValueError, match="collides"):
            write_manifest([ManifestFile(path, 4, DIGEST) for path in order])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Expecting value"),
        (b"\xff", "JSON in UTF-8"),
        (b"[" * 100_000, "JSON in UTF-8"),
        (b"[]", "exactly `format` and `files`"),
        (b'{"format":1}', "exactly `format` and `files`"),
        (b'{"files":{},"format":1}', "exactly `format` and `files`"),
        (b'{"files":[],"format":1,"more":2}', "exactly `format` and `files`"),
        (b'{"files":[],"format":2}', "format 2"),
        (b'{"files":[],"format":1} ', "not canonical"),
        (b'{"format":1,"files":[]}', "not canonical"),
        (b'{"files":[],"files":[],"format":1}', "not canonical"),
        (b'{"files":[{"path":"a","size":1}],"format":1}', "missing key 'digest'"),
        (canonical_bytes({"files": [{"digest": DIGEST, "path": "a", "size": -1}], "format": 1}), "negative"),
        (canonical_bytes({"files": [{"digest": DIGEST, "path": "a", "size": True}], "format": 1}), "expected int"),
        (canonical_bytes({"files": [{"digest": "sha256:0", "path": "a", "size": 1}], "format": 1}), "a digest is"),
        (canonical_bytes({"files": [{"digest": DIGEST, "path": p, "size": 1} for p in "ba"], "format": 1}), "sorted"),
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes, words: str) -> None:
    """Only the exact bytes that a manifest has are one."""
    with pytest.raises(ValueError, match=words):
        read_manifest(data)


def test_the_number_of_files_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest that names more files than a tree may hold is refused."""
    monkeypatch.setattr(manifests, "TREE_FILES_MAX", 3)
    with pytest.raises(ValueError, match="at most 3 files, not 4"):
        write_manifest(ManifestFile(name, 1, Digest(DIGEST)) for name in "abcd")
