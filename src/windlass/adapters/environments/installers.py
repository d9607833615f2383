"""Putting packages into an environment, with uv where it is there and with pip elsewhere.

An installer runs code of the packages it builds, so it is a command like the user's own: under a guard, with its output
in the build's log. It alone sees the variables and files that lead to package indexes.
"""

import importlib.util
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from windlass.adapters.world.offline import is_offline
from windlass.kernel.errors import Unavailable, UserMistake, WindlassError, clip
from windlass.ports.processes import Command, Ended, Processes

_SEEN_PREFIXES = ("PIP_", "UV_")
_SEEN = (
    *("HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "USER", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
    *("NETRC", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)
_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|Temporary failure in name resolution|ConnectTimeout|ReadTimeout"
    r"|ProxyError|SSLError|Connection (?:refused|reset|aborted)|HTTP error 5\d\d|Failed to fetch|error sending request"
    r"|dns error|client error \(Connect\)|operation timed out",
)
_MISSING = re.compile(
    r"No matching distribution found for (\S+)|Because (\S+) was not found|Because there are no versions of (\S+)"
)
_INSTALL_SECONDS_MAX = 3600.0


@dataclass(frozen=True, slots=True)
class Installation:
    """What is to be installed: the options and requirements that follow `install`, run in `folder`."""

    folder: str
    arguments: tuple[str, ...]
    python: str
    log: str


class Installers:
    """Makes virtual environments and fills them.

    Args:
        processes: runs the installer.
        cache: a folder for an installer of our own, where this Python has none.
    """

    def __init__(self, processes: Processes, cache: str) -> None:
        self._processes = processes
        self._cache = Path(cache)

    async def make(self, base: str, folder: str, log: str) -> str:
        """Make an empty virtual environment; its interpreter.

        Raises:
            Unavailable: the interpreter cannot make one.
        """
        argv = (base, "-I", "-m", "venv", "--without-pip", folder)
        ended = await self._processes.run(Command(argv, os.path.dirname(folder), installer_env(), log))
        if ended.exit_code or ended.trouble:
            raise _not_made(ended, base)
        return f"{folder}/bin/python"

    async def install(self, wanted: Installation) -> None:
        """Install into the environment of `wanted.python`.

        Raises:
            UserMistake: the requirements cannot be met.
            Unavailable: the network or the disk failed, or nothing may be fetched.
        """
        offline = is_offline()
        if uv := shutil.which("uv"):
            argv = [uv, "pip", "install", "--python", wanted.python, *(["--offline"] if offline else [])]
        else:
            pip = await self._pip(wanted.log)
            argv = [pip, "-m", "pip", "--python", wanted.python, "install", "--no-input", "--disable-pip-version-check"]
            argv += ["--no-index"] if offline else []
        command = Command(
            (*argv, *wanted.arguments), wanted.folder, installer_env(), wanted.log, seconds_max=_INSTALL_SECONDS_MAX
        )
        ended = await self._processes.run(command)
        if ended.exit_code or ended.trouble:
            raise _offline(ended) if offline else trouble_of(ended, "the requirements cannot be installed")

    async def export_uv(self, folder: str, target: str, log: str) -> None:
        """Write the requirements of a `uv.lock` with their hashes into a file.

        Raises:
            UserMistake: uv is not there, or the lock does not fit its project.
        """
        uv = shutil.which("uv")
        if uv is None:
            remedy = "install uv, or run `uv export --no-emit-project -o requirements.lock` and commit that instead"
            raise UserMistake(
                "uv.lock needs uv, which is not here", code="requirements", where="uv.lock", remedy=remedy
            )
        argv = (uv, "export", "--frozen", "--no-dev", "--no-emit-project", "--no-header", "-o", target)
        ended = await self._processes.run(Command(argv, folder, installer_env(), log))
        if ended.exit_code or ended.trouble:
            raise trouble_of(ended, "uv.lock cannot be read")

    async def _pip(self, log: str) -> str:
        """A Python that has pip: ours, else one that is made once."""
        if importlib.util.find_spec("pip"):
            return sys.executable
        folder = self._cache / "pip"
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            self._cache.mkdir(parents=True, exist_ok=True)
            argv = (sys.executable, "-I", "-m", "venv", str(folder))
            ended = await self._processes.run(Command(argv, str(self._cache), installer_env(), log))
            if ended.exit_code or ended.trouble:
                raise _not_made(ended, sys.executable)
            (folder / "complete").touch()
        return str(folder / "bin/python")


def installer_env() -> dict[str, str]:
    """What an installer sees of our environment: what leads to package indexes, and nothing else."""
    return {name: value for name, value in os.environ.items() if name in _SEEN or name.startswith(_SEEN_PREFIXES)}


def trouble_of(ended: Ended, what: str) -> WindlassError:
    """A failed installation as the error of the one who can do something about it."""
    last = _last_error(ended.tail)
    words = f"{what}: {clip(last or ended.words)}"
    if ended.trouble == "disk":
        return Unavailable(words, code="disk-full", remedy="free some space; it is tried again")
    if ended.trouble:
        return Unavailable(f"{what}: {ended.words}", code=ended.trouble)
    if _NETWORK.search(ended.tail):
        return Unavailable(words, code="network", remedy="see that the package index can be reached; it is tried again")
    return UserMistake(words, code="requirements", remedy="correct the requirements; the log holds the whole story")


def _not_made(ended: Ended, base: str) -> WindlassError:
    words = f"{base} cannot make a virtual environment: {clip(_last_error(ended.tail) or ended.words)}"
    if ended.trouble == "disk":
        return Unavailable(words, code="disk-full", remedy="free some space; it is tried again")
    remedy = "see that its module venv works; Debian has it in the package python3-venv"
    return Unavailable(words, code=ended.trouble or "environment", remedy=remedy)


def _offline(ended: Ended) -> WindlassError:
    named = [name for found in _MISSING.findall(ended.tail) for name in found if name]
    if not named:
        return trouble_of(ended, "the requirements cannot be installed without the network")
    words = f"WINDLASS_OFFLINE is set and {', '.join(sorted(set(named)))} is not on this machine"
    return UserMistake(
        words, code="offline", remedy="build once with the network, or name a folder of wheels in PIP_FIND_LINKS"
    )


def _last_error(tail: str) -> str:
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR:", "error:", "×", "hint:"))]
    return (errors or lines or [""])[-1]
