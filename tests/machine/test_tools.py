"""The tools of the machine that crash and isolation tests stand on do what those tests need."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.machine


def tool(name: str) -> str:
    """The path of a program, or a failure that says which package has it."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: run `make test-machine` as root on Debian, or install it yourself"
    return found


def test_strace_makes_a_sync_fail(tmp_path: Path) -> None:
    """A disk that fails to sync can be played to any process."""
    program = f"import os; f = os.open({str(tmp_path / 'x')!r}, os.O_CREAT | os.O_WRONLY); os.fsync(f)"
    strace = [tool("strace"), "-f", "-q", "-o", os.devnull, "-e", "inject=fsync:error=EIO"]
    ended = run(*strace, sys.executable, "-c", program)
    assert (1, True) == (ended.returncode, "Input/output error" in ended.stderr), ended.stderr


def test_a_namespace_has_no_network() -> None:
    """A process can be run where there is no interface but its own loopback."""
    ended = run(tool("unshare"), "--net", "--map-root-user", "cat", "/proc/net/dev")
    interfaces = [line.split(":")[0].strip() for line in ended.stdout.splitlines()[2:]]
    assert (0, ["lo"]) == (ended.returncode, interfaces), ended.stderr


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """What the command said, within a minute."""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
