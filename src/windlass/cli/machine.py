"""Whether this machine can run Windlass: what `up` insists on and `doctor` shows."""

import os
import platform
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from windlass.kernel.errors import UserMistake

GLIBC_MIN = (2, 31)  # the oldest that the gateway's program runs on
MACOS_MIN = 15
LOCAL_NEEDS = ("fastapi", "uvicorn", "sqlalchemy", "envoy")


@dataclass(frozen=True, slots=True)
class Found:
    """One thing looked at. `level` is ok, warning or wrong; `remedy` says what to do about it."""

    name: str
    level: str
    words: str
    remedy: str = ""


def insist() -> None:
    """Refuse a machine that cannot serve.

    Raises:
        UserMistake: with what is wrong and what to do.
    """
    for found in (python(), system(), extra()):
        if found.level == "wrong":
            raise UserMistake(found.words, code=f"unfit-{found.name.replace(' ', '-')}", remedy=found.remedy)


def python() -> Found:
    """The interpreter's version."""
    words = f"Python {platform.python_version()} at {sys.executable}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Found("python", "ok", words)
    return Found("python", "wrong", words, "use Python 3.11, 3.12 or 3.13")


def system() -> Found:
    """The operating system and its C library."""
    words = f"{platform.system()} {platform.machine()}"
    if platform.system() == "Linux":
        name, version = platform.libc_ver()
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if name == "glibc" and numbers >= GLIBC_MIN:
            return Found("platform", "ok", f"{words}, glibc {version}")
        return Found(
            "platform", "wrong", f"{words}, {name or 'no glibc'} {version}".rstrip(), "use glibc 2.31 or newer"
        )
    if platform.system() == "Darwin":
        release = platform.mac_ver()[0]
        if platform.machine() == "arm64" and int(release.partition(".")[0] or 0) >= MACOS_MIN:
            return Found("platform", "ok", f"macOS {release} arm64")
        return Found(
            "platform", "wrong", f"macOS {release} {platform.machine()}", "use macOS 15 or newer on Apple silicon"
        )
    return Found("platform", "wrong", words, "use Linux or macOS; on Windows, WSL2")


def extra() -> Found:
    """Whether what serves is installed beside the command line."""
    from importlib.util import find_spec

    missing = [name for name in LOCAL_NEEDS if find_spec(name) is None]
    if missing:
        return Found("installation", "wrong", f"not installed: {', '.join(missing)}", "`pip install 'windlass[local]'`")
    return Found("installation", "ok", "windlass[local]")


def port_holder(port: int) -> str | None:
    """Who listens on a loopback port, in words; None where it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return _holder(port) or "another process"
    return None


def _holder(port: int) -> str:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == "0A":  # 0A: it listens
                    inodes.add(f"socket:[{fields[9]}]")
    for folder in Path("/proc").glob("[0-9]*") if inodes else ():
        try:
            if any(os.readlink(entry) in inodes for entry in (folder / "fd").iterdir()):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f"{command} (pid {folder.name})"
        except OSError:  # it ended meanwhile, or it is somebody else's
            continue
    return ""
