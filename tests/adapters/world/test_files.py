"""Files of our own survive crashes, full disks and short writes: the old content or the new one, never a mix."""

import asyncio
import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from windlass.adapters.world import RealDisk, files
from windlass.kernel.errors import Unavailable


def failing(number: int) -> Callable[..., Any]:
    """A call that fails with one error of the system."""

    def call(*arguments: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return call


def test_a_write_syncs_before_and_after_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are durable before the name changes, and the name is durable when the call returns."""
    calls: list[str] = []
    for name in ("write", "fsync", "replace"):
        real = getattr(os, name)

        def spy(*arguments: Any, name: str = name, real: Callable[..., Any] = real) -> Any:
            folder = name == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
            calls.append("fsync folder" if folder else name)
            return real(*arguments)

        monkeypatch.setattr(os, name, spy)
    files.write_file(str(tmp_path / "plan.json"), b"plan")
    assert calls == ["write", "fsync", "replace", "fsync folder"]
    calls.clear()
    files.append_file(str(tmp_path / "journal"), b"1\n")
    files.append_file(str(tmp_path / "journal"), b"2\n")
    assert calls == ["fsync folder", "write", "fsync", "write", "fsync"]
    calls.clear()
    files.make_folder(str(tmp_path / "a" / "b"))
    assert calls == ["fsync folder"] * 2


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "disk-full"), (errno.EIO, "disk-error"), (errno.EROFS, "disk-forbidden")]
)
def test_a_failing_disk_keeps_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, code: str
) -> None:
    """Whatever fails, the old file stays whole, nothing temporary is left, and the error says what to do."""
    path = tmp_path / "plan.json"
    files.write_file(str(path), b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(number))
        with pytest.raises(Unavailable) as caught:
            files.write_file(str(path), b"new and longer")
    assert (caught.value.code, caught.value.where) == (code, str(path))
    assert caught.value.remedy
    assert isinstance(caught.value.__cause__, OSError)
    assert os.listdir(tmp_path) == ["plan.json"]
    assert path.read_bytes() == b"old"


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes three bytes at a time gets all of them in the end."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:3]))
    files.write_file(str(tmp_path / "a"), b"0123456789")
    files.append_file(str(tmp_path / "b"), b"0123456789")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"0123456789"


def test_half_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that the disk took only in part is not left in the journal."""
    path = tmp_path / "journal"
    files.append_file(str(path), b"whole\n")
    real = os.write

    def two_bytes_then_full(handle: int, data: bytes) -> int:
        if len(data) < 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, data[:2])

    monkeypatch.setattr(os, "write", two_bytes_then_full)
    with pytest.raises(Unavailable, match="full"):
        files.append_file(str(path), b"half\n\n")
    assert path.read_bytes() == b"whole\n"


def test_a_line_that_was_refused_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder of a new file cannot be synced nothing was appended, so that trying again appends once."""
    path = tmp_path / "journal"
    with monkeypatch.context() as patch:
        patch.setattr(files, "sync_folder", failing(errno.EIO))
        with pytest.raises(Unavailable):
            files.append_file(str(path), b"once\n")
        assert not path.exists()
    files.append_file(str(path), b"once\n")
    assert path.read_bytes() == b"once\n"


def test_files_are_ours_alone(tmp_path: Path) -> None:
    """Files get mode 600 and folders 700, unless something else is asked."""
    files.write_file(str(tmp_path / "home" / "secret"), b"x")
    files.write_file(str(tmp_path / "open"), b"x", mode=0o644)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("home", "home/secret", "open")]
    assert modes == [0o700, 0o600, 0o644]


def test_a_folder_may_appear_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another process makes the folder first, that is as good; a file in its place is not."""
    for name, place in (("folder", os.mkdir), ("file", lambda path: Path(path).write_bytes(b""))):
        path = str(tmp_path / name)
        real = os.mkdir

        def late(folder: str, mode: int, place: Callable[[str], Any] = place, real: Any = real) -> None:
            monkeypatch.setattr(os, "mkdir", real)
            place(folder)
            real(folder, mode)

        monkeypatch.setattr(os, "mkdir", late)
        if name == "folder":
            files.write_file(f"{path}/a", b"1")
            assert files.read_file(f"{path}/a") == b"1"
        else:
            with pytest.raises(Unavailable):
                files.write_file(f"{path}/a", b"1")


def test_the_disk_says_what_stands_in_its_way(tmp_path: Path) -> None:
    """A folder is not removed as a file, and a file has no names."""
    (tmp_path / "file").write_bytes(b"")
    for work in (RealDisk().remove(str(tmp_path)), RealDisk().names(str(tmp_path / "file"))):
        with pytest.raises(Unavailable) as caught:
            asyncio.run(work)
        assert str(tmp_path) in caught.value.where


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    """A folder where a file should be, and a file where a folder should be, are errors with their path."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for path, work in (
        ("folder", files.read_file),
        ("folder", lambda path: files.write_file(path, b"")),
        ("file/below", lambda path: files.write_file(path, b"")),
        ("file/below", lambda path: files.append_file(path, b"")),
    ):
        with pytest.raises(Unavailable) as caught:
            work(str(tmp_path / path))
        assert str(tmp_path / path) in caught.value.where


_WRITER = """
import sys
from windlass.adapters.world.files import write_file
count = 0
while True:
    write_file(sys.argv[1], b"%d\\n" % count * 5000)
    print(count, flush=True)
    count += 1
"""


def test_a_kill_leaves_a_whole_file(tmp_path: Path) -> None:
    """Killed at any moment, the file holds one version, not older than the last acknowledged one."""
    path = tmp_path / "state.json"
    for acknowledged_min in (1, 7, 23):
        command = [sys.executable, "-c", _WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            last = 0
            while last < acknowledged_min:
                last = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            acknowledged = max([last, *(int(line) for line in writer.stdout if line.endswith("\n"))])
        lines = path.read_text().splitlines()
        assert len(lines) == 5000
        assert {*lines} <= {str(acknowledged), str(acknowledged + 1)}
        assert len({*lines}) == 1
