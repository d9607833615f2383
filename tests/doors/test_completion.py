"""What a shell's TAB offers."""

from pathlib import Path

import pytest

from tests.doors.conftest import Type
from tests.doors.town import LIVE, Town
from windlass.cli.app import main
from windlass.main.offline import offline_doors


def offered(words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What bash is offered after these words."""
    monkeypatch.setenv("COMP_WORDS", f"windlass {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(f"windlass {words}".split(" ")) - 1))
    monkeypatch.setenv("_WINDLASS_COMPLETE", "bash_complete")
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(offline_doors(), [])
    return [line.partition(",")[2] for line in capsys.readouterr().out.splitlines() if line]


def test_verbs_flags_and_services(
    made: Town, typed: Type, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verbs and flags complete without a server, services by asking it; without an answer there is nothing to offer."""
    assert ["status"] == offered("sta", monkeypatch, capsys)
    assert ["--watch", "--wait"] == offered("status --wa", monkeypatch, capsys)
    assert [] == offered("rollback doc", monkeypatch, capsys)
    made.play(*LIVE)
    made.open()
    for verb in ("status", "why", "logs", "send", "rollback", "promote", "freeze"):
        assert ["doctor-visits"] == offered(f"{verb} doc", monkeypatch, capsys), verb
    assert [] == offered("status fraud", monkeypatch, capsys)


def test_nowhere_is_no_error(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A folder that says nothing of a Windlass offers nothing, silently."""
    monkeypatch.chdir(tmp_path)
    assert [] == offered("status doc", monkeypatch, capsys)
    assert "" == capsys.readouterr().err
