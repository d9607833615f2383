"""Only verified bytes are given out, whatever happened to the disk meanwhile."""

import asyncio
import errno
import os
import resource
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from windlass.adapters.artifacts import FileArtifacts, blobs
from windlass.delivery.releases.manifest import ManifestFile, write_manifest
from windlass.kernel.digests import Digest, digest_of, hex_of
from windlass.kernel.errors import Unavailable, UserMistake

ResultT = TypeVar("ResultT")
FILES = {"model/m.onnx": b"weights" * 1000, "code/app.py": b"print()", "empty": b""}


def run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """The result of a verb."""
    return asyncio.run(work)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store lies."""
    return tmp_path / "store"


@pytest.fixture
def release(folder: Path) -> Digest:
    """A stored release that no folder was made of yet."""
    artifacts = FileArtifacts(str(folder))
    named = [ManifestFile(path, len(data), run(artifacts.put(data))) for path, data in FILES.items()]
    return run(artifacts.put(write_manifest(named)))


def blob(folder: Path, digest: Digest) -> Path:
    """Where a blob lies."""
    return folder / "blobs" / hex_of(digest)[:2] / hex_of(digest)


def overwrite(path: Path, data: bytes) -> None:
    """Change a file behind the store's back, and only under this name."""
    path.parent.chmod(0o755)
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def test_a_flipped_bit_is_found_and_healed(folder: Path) -> None:
    """A bad copy is never given out; it is set aside, and storing the bytes again heals it."""
    artifacts = FileArtifacts(str(folder))
    digest = run(artifacts.put(b"weights"))
    for again in (artifacts.read, artifacts.materialise):
        overwrite(blob(folder, digest), b"wEights")
        with pytest.raises(Unavailable, match="do not fit their digest") as caught:
            run(again(digest))
        assert Path(caught.value.where).read_bytes() == b"wEights"
        with pytest.raises(Unavailable, match="not stored"):
            run(again(digest))
        overwrite(blob(folder, digest), b"cut")
        assert run(artifacts.put(b"weights")) == digest
        assert run(artifacts.read(digest)) == b"weights"
    assert len(os.listdir(folder / "damaged")) == 4
    assert [found.digest for found in run(artifacts.blobs())] == [digest]


def test_files_are_read_only(folder: Path, release: Digest) -> None:
    """Nobody changes a release by accident: neither its files nor which files it has."""
    made = Path(run(FileArtifacts(str(folder)).materialise(release)))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in made.rglob("*") if path.is_file()}
    assert modes == {0o444}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (made, made / "model", made / "code")} == {0o555}


def flip(made: Path) -> None:
    overwrite(made / "model/m.onnx", FILES["model/m.onnx"].replace(b"w", b"W", 1))


def cut(made: Path) -> None:
    overwrite(made / "model/m.onnx", b"weights")


def take(made: Path) -> None:
    (made / "code/app.py").unlink()


def add(made: Path) -> None:
    overwrite(made / "code/extra.py", b"")


def link(made: Path) -> None:
    (made / "code/app.py").unlink()
    (made / "code/app.py").symlink_to("/etc/hostname")


def link_folder(made: Path) -> None:
    (made / "elsewhere").symlink_to("/etc")


def change_manifest(made: Path) -> None:
    overwrite(made / "manifest.json", write_manifest([]))


def take_manifest(made: Path) -> None:
    (made / "manifest.json").unlink()


DAMAGES = [cut, take, add, link, link_folder, change_manifest, take_manifest]


@pytest.mark.parametrize("damage", [flip, *DAMAGES])
def test_a_damaged_folder_is_made_again(folder: Path, release: Digest, damage: Callable[[Path], None]) -> None:
    """A process that did not verify the folder before finds any change, and makes it again from the blobs."""
    made = Path(run(FileArtifacts(str(folder)).materialise(release)))
    damage(made)
    assert run(FileArtifacts(str(folder)).materialise(release)) == str(made)
    found = {str(path.relative_to(made)): path.read_bytes() for path in made.rglob("*") if path.is_file()}
    assert found.items() >= FILES.items()
    assert len(found) == len(FILES) + 1


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_cheap_look_finds_what_is_missing(folder: Path, release: Digest, damage: Callable[[Path], None]) -> None:
    """A process that verified every byte once looks at names and sizes afterwards."""
    artifacts = FileArtifacts(str(folder))
    made = Path(run(artifacts.materialise(release)))
    damage(made)
    run(artifacts.materialise(release))
    assert sorted(path.name for path in made.rglob("*")) == [
        "app.py",
        "code",
        "empty",
        "m.onnx",
        "manifest.json",
        "model",
    ]
    assert (made / "model/m.onnx").stat().st_size == len(FILES["model/m.onnx"])


def test_a_folder_stands_alone(folder: Path, release: Digest) -> None:
    """A site starts again from a folder whose blobs are gone."""
    artifacts = FileArtifacts(str(folder))
    made = run(artifacts.materialise(release))
    for found in run(artifacts.blobs()):
        blob(folder, found.digest).unlink()
    assert run(FileArtifacts(str(folder)).materialise(release)) == made


def test_a_damaged_blob_makes_no_folder(folder: Path, release: Digest) -> None:
    """A release whose blob is damaged does not appear, and nothing half-made is left."""
    overwrite(blob(folder, digest_of(FILES["model/m.onnx"])), b"other")
    with pytest.raises(Unavailable, match="set aside"):
        run(FileArtifacts(str(folder)).materialise(release))
    assert os.listdir(folder / "releases") == []


def test_where_links_are_not_possible_files_are_copied(
    folder: Path, release: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another file system a release is a copy, as read-only as the blobs."""

    def cannot(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", cannot)
    made = Path(run(FileArtifacts(str(folder)).materialise(release)))
    assert (made / "model/m.onnx").read_bytes() == FILES["model/m.onnx"]
    assert stat.S_IMODE((made / "model/m.onnx").stat().st_mode) == 0o444
    assert (made / "model/m.onnx").stat().st_nlink == 1


def test_two_processes_make_one_folder(folder: Path, release: Digest, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another process finishes the folder first, it is used, and the second one is dropped."""
    real = os.rename

    def late(source: str, target: str) -> None:
        monkeypatch.setattr(os, "rename", real)
        run(FileArtifacts(str(folder)).materialise(release))
        real(source, target)

    monkeypatch.setattr(os, "rename", late)
    made = run(FileArtifacts(str(folder)).materialise(release))
    assert os.listdir(folder / "releases") == [hex_of(release)]
    assert (Path(made) / "code/app.py").read_bytes() == FILES["code/app.py"]


def test_shared_bytes_are_freed_once(folder: Path, release: Digest) -> None:
    """Bytes that a folder still holds are not free yet."""
    artifacts = FileArtifacts(str(folder))
    run(artifacts.materialise(release))
    data = digest_of(FILES["model/m.onnx"])
    assert run(artifacts.remove(frozenset({data}))) == 0
    assert run(artifacts.remove(frozenset({release}))) == len(FILES["model/m.onnx"]) + len(
        write_manifest([ManifestFile(path, len(text), digest_of(text)) for path, text in FILES.items()])
    )


def test_what_crashes_left_is_removed_when_it_is_old(folder: Path, release: Digest) -> None:
    """Half-written files go after an hour; what another process may be writing now stays."""
    artifacts = FileArtifacts(str(folder))
    run(artifacts.materialise(release))
    for age, name in ((7200, "old"), (10, "new")):
        stray, half = folder / f"blobs/aa/{name}#1", folder / f"releases/{name}.tmp-1"
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"123")
        half.mkdir()
        (half / "file").write_bytes(b"4567")
        for path in (stray, half):
            written = path.stat().st_mtime - age
            os.utime(path, (written, written))
    assert run(artifacts.remove(frozenset())) == 7
    assert sorted(os.listdir(folder / "blobs/aa")) == ["new#1"]
    assert sorted(os.listdir(folder / "releases")) == sorted([hex_of(release), "new.tmp-1"])


@pytest.mark.parametrize("name", ["blake3:../../etc/passwd", "blake3:", "sha256:" + "a" * 64, "", "blake3:" + "A" * 64])
def test_a_digest_is_never_a_path(folder: Path, name: str) -> None:
    """A name that is no digest reaches no file."""
    artifacts = FileArtifacts(str(folder))
    for verb in (
        lambda: artifacts.read(Digest(name)),
        lambda: artifacts.materialise(Digest(name)),
        lambda: artifacts.remove(frozenset({Digest(name)})),
    ):
        with pytest.raises(UserMistake, match="not a digest"):
            run(verb())


def test_a_file_that_changes_meanwhile_is_not_stored(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is written while it is stored is refused, and nothing lies under the wrong digest."""
    source = tmp_path / "growing"
    source.write_bytes(b"first")
    real = blobs._digest_of_foreign

    def then_grow(path: str) -> Digest:
        digest = real(path)
        source.write_bytes(b"first and second")
        return digest

    monkeypatch.setattr(blobs, "_digest_of_foreign", then_grow)
    artifacts = FileArtifacts(str(folder))
    with pytest.raises(Unavailable, match="changed while"):
        run(artifacts.put(str(source)))
    assert run(artifacts.blobs()) == ()


def test_a_source_that_is_missing_is_named(folder: Path, tmp_path: Path) -> None:
    """A build that names a file which it did not write hears of it."""
    with pytest.raises(UserMistake, match="no such file") as caught:
        run(FileArtifacts(str(folder)).put(str(tmp_path / "none")))
    assert caught.value.where == str(tmp_path / "none")
    with pytest.raises(Unavailable):
        run(FileArtifacts(str(folder)).put(str(tmp_path)))


def test_a_disk_that_takes_no_more_stores_nothing(folder: Path) -> None:
    """A write that fails is an error that says so, and nothing lies under the digest."""
    artifacts = FileArtifacts(str(folder))
    data = os.urandom(3_000_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(Unavailable, match="disk"):
            run(artifacts.put(data))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert run(artifacts.blobs()) == ()
    assert run(artifacts.read(run(artifacts.put(data)))) == data


def test_a_failing_disk_is_named(folder: Path, release: Digest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever call fails, the error is the disk's with a path, and the store goes on afterwards."""
    artifacts = FileArtifacts(str(folder))
    made = run(artifacts.materialise(release))

    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    verbs: list[tuple[object, str, Callable[[], Coroutine[Any, Any, object]]]] = [
        (Path, "read_bytes", lambda: artifacts.read(release)),
        (blobs, "digest_of_file", lambda: artifacts.put(FILES["empty"])),
        (os, "fsync", lambda: artifacts.put(b"new")),
        (os, "rename", lambda: artifacts.remove(frozenset({release}))),
        (os, "unlink", lambda: artifacts.remove(frozenset({digest_of(FILES["empty"])}))),
        (os, "link", lambda: FileArtifacts(str(folder)).materialise(release)),
        (os, "rename", lambda: FileArtifacts(str(folder)).materialise(release)),
    ]
    for owner, name, verb in verbs:
        if name in ("link", "rename"):
            take_manifest(Path(made))
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fails)
            with pytest.raises(Unavailable, match="disk failed") as caught:
                run(verb())
        assert str(folder) in caught.value.where
        assert run(FileArtifacts(str(folder)).materialise(release)) == made
    assert [name for name in os.listdir(folder / "releases") if ".tmp-" not in name] == [hex_of(release)]


def test_a_bad_copy_that_another_process_moved(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two readers that find one bad copy both hear of it."""
    artifacts = FileArtifacts(str(folder))
    digest = run(artifacts.put(b"weights"))
    overwrite(blob(folder, digest), b"other")

    def moved(*_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", moved)
        with pytest.raises(Unavailable, match="not stored"):
            run(artifacts.read(digest))
    with monkeypatch.context() as patch:
        patch.setattr(blobs, "make_folder", lambda _: os.rmdir(folder))
        with pytest.raises(Unavailable, match="disk failed"):
            run(artifacts.read(digest))


def test_a_store_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file where the store should be is an error with its path."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="file"):
        FileArtifacts(str(tmp_path / "file"))
