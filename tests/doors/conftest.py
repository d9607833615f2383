"""What the tests of the doors share: a home of their own, a simulated town, and a way to type commands."""

import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doors.town import Town, town
from windlass.cli.app import main
from windlass.main.offline import offline_doors


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command came to."""

    code: int
    out: str
    err: str


Type = Callable[[str], Typed]


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder with short paths, into which every home of the test goes."""
    folder = Path(tempfile.mkdtemp(prefix="wl-", dir="/tmp"))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
    monkeypatch.delenv("WINDLASS_NAME", raising=False)
    monkeypatch.delenv("WINDLASS_DEBUG", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    (folder / "run").mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def typed(state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Type:
    """Type a command line without the word `windlass`, about the home called `town`."""
    monkeypatch.setenv("WINDLASS_NAME", "town")
    folder = state / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def type_it(line: str) -> Typed:
        capsys.readouterr()
        code = main(offline_doors(), shlex.split(line))
        out, err = capsys.readouterr()
        return Typed(code, out, err)

    return type_it


@pytest.fixture
def made(state: Path) -> Iterator[Town]:
    """A town called `town`; its doors open when the test says so."""
    with town(state / "windlass" / "town") as found:
        yield found
