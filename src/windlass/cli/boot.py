"""`windlass up --at-boot`: a unit of the account's own service manager that runs `windlass up` again.

The unit runs `up`, not the supervisor: `up` finds the sockets' folder of that session and adopts what runs already.
Secrets are not written into it; the manager's own environment must hold those that `env:` names.
"""

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from windlass.kernel.errors import Unavailable, UserMistake, clip

KEPT = ("PATH", "XDG_STATE_HOME", "UV_CACHE_DIR", "PIP_CACHE_DIR")  # where programs and state lie
SYSTEMD_SECONDS = 30.0


def insist_on_manager(platform: str = sys.platform) -> None:
    """Refuse before anything is started.

    Raises:
        UserMistake: this machine has no manager that starts something for an account.
    """
    if platform == "darwin" or shutil.which("systemctl"):
        return
    raise UserMistake(
        "this machine has no systemd, so nothing can be started at boot",
        code="no-systemd",
        remedy="let its own boot scripts run `windlass up`",
    )


@dataclass(frozen=True, slots=True)
class Unit:
    """What was installed: where it lies, the command that undoes it, and what else a person may want to type."""

    path: Path
    undo: str
    hint: str = ""


def install(name: str, arguments: Sequence[str], platform: str = sys.platform) -> Unit:
    """Write the unit and enable it.

    Args:
        name: the home's.
        arguments: of `windlass`, such as `up /repo --branch main`.
        platform: as in `sys.platform`.

    Raises:
        UserMistake: something in it cannot stand in a unit.
        Unavailable: the service manager refuses.
    """
    argv = [sys.executable, "-P", "-m", "windlass.main", *arguments]
    environment = {key: os.environ[key] for key in KEPT if os.environ.get(key)}
    for text in (name, *argv, *environment.values()):
        if not text.isprintable():
            raise UserMistake(f"{clip(text)!r} cannot stand in a unit", code="bad-name", remedy="use a plain path")
    if platform == "darwin":
        return _launchd(name, argv, environment)
    return _systemd(name, argv, environment)


def _systemd(name: str, argv: Sequence[str], environment: Mapping[str, str]) -> Unit:
    config = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))
    unit = f"windlass-{''.join(letter if letter.isalnum() else '-' for letter in name)}.service"
    path = config / "systemd" / "user" / unit
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(unit_text(name, argv, environment), encoding="utf-8")
    _systemctl("daemon-reload")
    _systemctl("enable", unit)
    return Unit(path, f"systemctl --user disable {unit}", "`loginctl enable-linger` lets your session begin at boot")


def unit_text(name: str, argv: Sequence[str], environment: Mapping[str, str]) -> str:
    """A unit of systemd. `up` ends once all runs, so the unit is a single run whose processes stay."""
    lines = [
        "[Unit]",
        f"Description=Windlass {name.replace('%', '%%')}",
        "",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        *(f"Environment={_quoted(f'{key}={value}')}" for key, value in sorted(environment.items())),
        "ExecStart=" + " ".join(_quoted(word).replace("$", "$$") for word in argv),
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _systemctl(*words: str) -> None:
    argv = ("systemctl", "--user", *words)
    try:
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=SYSTEMD_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refused(argv, str(error)) from error
    if ended.returncode:
        raise _refused(argv, ended.stderr or ended.stdout)


def _refused(argv: Sequence[str], said: str) -> Unavailable:
    return Unavailable(
        f"`{' '.join(argv)}` failed: {clip(said.strip())}",
        code="systemd",
        remedy="everything runs, and the unit is written; log in as this account itself (not by su) and enable it",
    )


def _launchd(name: str, argv: Sequence[str], environment: Mapping[str, str]) -> Unit:
    label = f"dev.windlass.{name}"
    path = Path(os.path.expanduser("~/Library/LaunchAgents")) / f"{label}.plist"
    path.parent.mkdir(parents=True, exist_ok=True)
    agent = {
        "Label": label,
        "ProgramArguments": list(argv),
        "EnvironmentVariables": dict(environment),
        "RunAtLoad": True,
        "AbandonProcessGroup": True,
    }
    path.write_bytes(plistlib.dumps(agent))
    return Unit(path, f"rm '{path}'")
