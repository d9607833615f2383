"""`up --at-boot`: what is written for the account's service manager."""

import plistlib
import sys
from pathlib import Path

import pytest

from windlass.cli.boot import insist_on_manager, install, unit_text
from windlass.kernel.errors import Unavailable, UserMistake

ODD = ["up", '/repo/50% "big" $HOME', "--branch", "a\\b", "--name", "dv"]
UNIT = """\
[Unit]
Description=Windlass 50%% off

[Service]
Type=oneshot
RemainAfterExit=yes
Environment="PATH=/usr/bin"
Environment="XDG_STATE_HOME=/state $x"
ExecStart="/bin/python" "up" "/repo/50%% \\"big\\" $$HOME" "--branch" "a\\\\b" "--name" "dv"

[Install]
WantedBy=default.target
"""


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An account of its own, whose `systemctl` writes down what it is asked, and fails where `refuses` lies."""
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n[ -e {tmp_path}/refuses ] && echo "no bus" >&2 && exit 1\nexit 0\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


def test_a_unit_says_exactly_what_was_typed() -> None:
    """Nothing in a path or a name is read by systemd as anything but itself."""
    written = unit_text("50% off", ["/bin/python", *ODD], {"XDG_STATE_HOME": "/state $x", "PATH": "/usr/bin"})
    assert UNIT == written


def test_systemd_gets_a_unit_that_is_enabled(account: Path) -> None:
    """The unit runs `up` with the same Python, and is enabled by systemd itself."""
    unit = install("d v", ODD, "linux")
    assert account / ".config/systemd/user/windlass-d-v.service" == unit.path
    assert "systemctl --user disable windlass-d-v.service" == unit.undo
    assert ["--user daemon-reload", "--user enable windlass-d-v.service"] == (
        (account / "asked").read_text().splitlines()
    )
    text = unit.path.read_text()
    assert f'ExecStart="{sys.executable}" "-P" "-m" "windlass.main" "up"' in text
    assert 'Environment="XDG_STATE_HOME=/state"' in text and "enable-linger" in unit.hint


def test_a_manager_that_refuses_is_told(account: Path) -> None:
    """What systemd says reaches the person, with what is done already."""
    (account / "refuses").touch()
    with pytest.raises(Unavailable, match="`systemctl --user daemon-reload` failed: no bus; everything runs"):
        install("dv", ODD, "linux")


def test_launchd_gets_an_agent(account: Path) -> None:
    """On a Mac the agent starts `up` at each session, and the processes that it starts are left alone."""
    unit = install("dv", ODD, "darwin")
    assert account / "Library/LaunchAgents/dev.windlass.dv.plist" == unit.path
    agent = plistlib.loads(unit.path.read_bytes())
    assert [sys.executable, "-P", "-m", "windlass.main", *ODD] == agent["ProgramArguments"]
    assert (True, True, "/state") == (
        agent["RunAtLoad"],
        agent["AbandonProcessGroup"],
        agent["EnvironmentVariables"]["XDG_STATE_HOME"],
    )


def test_a_machine_without_a_manager_is_refused_first(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is begun where nothing can be installed; and a line break never gets into a unit."""
    insist_on_manager("linux")
    monkeypatch.setenv("PATH", str(account / "nothing"))
    insist_on_manager("darwin")
    with pytest.raises(UserMistake, match="this machine has no systemd"):
        insist_on_manager("linux")
    with pytest.raises(UserMistake, match="cannot stand in a unit"):
        install("dv", ["up", "/repo\nExecStart=/bin/evil"], "linux")
    assert not (account / ".config").exists()
