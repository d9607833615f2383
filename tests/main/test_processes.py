"""Our own processes start on a disk that is full or fails, or say what is wrong; none dies of it for good."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from windlass.adapters.processes.listeners import listen
from windlass.adapters.world import files
from windlass.kernel.errors import Unavailable
from windlass.main import processes, supervisor
from windlass.main.control import engine_ports
from windlass.sdk.homes import Home, make_folders
from windlass.sdk.locks import lock_path, running


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with its folders."""
    found = Home("h", tmp_path / "h", tmp_path / "s")
    make_folders(found)
    return found


def full(*arguments: Any, **options: Any) -> Any:
    """A call on a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_lock_is_taken_again_on_a_full_disk(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of the next process stands in the place of the last one, so that no space is needed for it."""
    path = lock_path(home, "site")
    descriptor = processes.hold(path)
    assert descriptor is not None
    before = path.stat()
    os.close(descriptor)
    monkeypatch.setattr(os, "ftruncate", full)
    descriptor = processes.hold(path)
    assert descriptor is not None
    found = running(home, "site")
    assert found is not None and os.getpid() == found.pid
    assert (before.st_ino, before.st_size) == (path.stat().st_ino, path.stat().st_size)
    os.close(descriptor)


def test_a_lock_that_cannot_be_written_is_no_secret(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process that cannot take its lock says why in one line, and holds nothing."""
    path = lock_path(home, "control")
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        assert 1 == processes.run_process("control", ["--home", str(home.folder)])
    told = capsys.readouterr().err
    assert f"windlass control: {path}: the disk is full" in told
    descriptor = processes.hold(path)
    assert descriptor is not None
    os.close(descriptor)


def test_the_public_key_is_never_half_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A control plane that starts on a full disk leaves the key that sites start with as it is."""
    key = engine_ports(home).signer.public()
    monkeypatch.setattr(files, "write_file", full)
    monkeypatch.setattr(Path, "write_text", full)
    assert key == engine_ports(home).signer.public()
    assert key == (home.site / "public.key").read_text()


def test_a_new_public_key_is_handed_over(home: Home) -> None:
    """A key that differs is replaced as a whole."""
    engine_ports(home)
    (home.site / "public.key").write_text("")
    assert engine_ports(home).signer.public() == (home.site / "public.key").read_text()


def test_a_process_that_cannot_start_is_tried_again(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The supervisor outlives a failing start, says so, and waits longer each time."""
    child = supervisor.Child("control")
    with monkeypatch.context() as patch:
        patch.setattr(supervisor, "_start", full)
        for failures in (1, 2):
            child.next_at = 0.0
            supervisor._look(home, child)
            assert (None, failures) == (child.process, child.failures)
    assert child.next_at > 0.0
    assert "control cannot be started" in capsys.readouterr().err


def test_a_mistake_is_told_in_one_line(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder of another account is no traceback."""
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home.sockets))
    assert 1 == processes.run_process("site", ["--home", str(home.folder)])
    assert "belongs to another account" in capsys.readouterr().err


def test_a_home_that_cannot_be_made_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk at the very first start names the folder and what to do."""
    monkeypatch.setattr(os, "mkdir", full)
    assert 1 == processes.run_process("site", ["--home", str(tmp_path / "h")])
    told = capsys.readouterr().err
    assert f"windlass site: {tmp_path / 'h'}: the folder cannot be made: No space left on device; free" in told


def test_a_door_that_cannot_be_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails where a socket is made is an error with the path and what to do, and no traceback."""
    path = tmp_path / "door.sock"
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(Unavailable, match=f"{path}: cannot make a socket: No space left") as caught:
        listen(str(path))
    assert "look after the disk" in str(caught.value)
