"""A machine that loses power: what was not synced is gone, a file's bytes as well as its name."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from windlass.adapters.world import files

OLD, NEW = b'{"generation":1}', b'{"generation":2}'


class Machine:
    """Knows what a file may hold if the power fails now. A name lasts once its folder was synced, bytes once the file
    was; those that were not synced may last all the same."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.seen: set[bytes | None] = set()
        self._names: dict[int, dict[str, int]] = {}  # by folder: what it holds
        self._bytes: dict[int, bytes] = {}
        self._folder_synced(root)
        for name in ("write", "fsync", "replace", "unlink", "mkdir", "ftruncate"):
            patch.setattr(os, name, self._watched(name, getattr(os, name)))
        self.path = root / "site" / "plan.json"

    def after_a_power_cut(self) -> set[bytes | None]:
        """What the file may hold then; None where it does not exist."""
        inode = self.root.stat().st_ino
        for name in self.path.relative_to(self.root).parts:
            found = self._names.get(inode, {}).get(name)
            if found is None:
                return {None}
            inode = found
        return {self._bytes.get(inode, b""), *(one.read_bytes() for one in self._at(inode))}

    def _watched(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def watched(*arguments: object, **named: object) -> object:
            self.seen |= self.after_a_power_cut()
            answer = call(*arguments, **named)
            if name == "fsync":
                self._synced(int(str(arguments[0])))
            self.seen |= self.after_a_power_cut()
            return answer

        return watched

    def _synced(self, handle: int) -> None:
        found = os.fstat(handle)
        (path,) = self._at(found.st_ino)
        if stat.S_ISDIR(found.st_mode):
            self._folder_synced(path)
        else:
            self._bytes[found.st_ino] = path.read_bytes()

    def _at(self, inode: int) -> list[Path]:
        return [one for one in (self.root, *self.root.rglob("*")) if one.stat().st_ino == inode]

    def _folder_synced(self, folder: Path) -> None:
        self._names[folder.stat().st_ino] = {one.name: one.stat().st_ino for one in folder.iterdir()}


def test_a_power_cut_leaves_the_old_file_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the power fails, a file that is replaced holds what it held or what it was given; once the call has
    ended, the latter."""
    machine = Machine(tmp_path, monkeypatch)
    files.write_file(str(machine.path), OLD)
    assert {None, OLD} == machine.seen
    machine.seen.clear()
    files.write_file(str(machine.path), NEW)
    assert {OLD, NEW} == machine.seen
    assert {NEW} == machine.after_a_power_cut()


def test_a_power_cut_takes_no_line_that_was_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the power fails, a file that grows holds all lines whose call had ended."""
    machine = Machine(tmp_path, monkeypatch)
    files.append_file(str(machine.path), OLD)
    assert {OLD} == machine.after_a_power_cut()
    machine.seen.clear()
    files.append_file(str(machine.path), NEW)
    assert {OLD, OLD + NEW} == machine.seen
    assert {OLD + NEW} == machine.after_a_power_cut()
