"""The command line as a process: signals, pipes, start-up, terminals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doors.town import LIVE, Town

DEADLINE_SECONDS = 60.0
COMMAND = [sys.executable, "-m", "windlass.main"]


def start(*words: str) -> "subprocess.Popen[str]":
    """A command with pipes for its streams."""
    return subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, state: Path) -> Path:
    """Commands of this test are about the home called `town`."""
    monkeypatch.setenv("WINDLASS_NAME", "town")
    return state


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_watch_without_a_word(sign: signal.Signals, code: int, named: Path, made: Town) -> None:
    """Interrupted or terminated, a command ends with the usual code and no traceback; what it printed is whole."""
    made.play(*LIVE)
    made.open()
    with start("status", "-w", "-o", "json") as process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        process.send_signal(sign)
        assert code == process.wait(DEADLINE_SECONDS)
        assert line.startswith('{"api": "windlass/v1", "kind": "status"') and line.endswith("}\n")
        assert "Traceback" not in process.stderr.read()


def test_a_closed_pipe_is_no_error_message(named: Path, made: Town) -> None:
    """`windlass ... | head` ends quietly when nobody reads on."""
    made.play(*LIVE)
    made.open()
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen([*COMMAND, "status"], stdout=writing, stderr=subprocess.PIPE, text=True) as process:
        os.close(writing)
        _, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert (1, "") == (process.returncode, err)


def test_foreign_text_cannot_move_the_cursor(named: Path, made: Town) -> None:
    """A commit's subject with terminal sequences is shown without their power, on a pipe as on a terminal."""
    made.play("service doctor-visits", 'commit "a\x1b[2Jb\x07c"', "tick until live")
    made.open()
    ended = subprocess.run([*COMMAND, "status"], capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True)
    assert "\x1b" not in ended.stdout and "\x07" not in ended.stdout
    assert '"ab\\x07c"' in ended.stdout


@pytest.mark.parametrize(
    ("variables", "flags", "coloured"),
    [
        ({"TERM": "xterm"}, [], True),
        ({"TERM": "dumb"}, [], False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, [], False),
        ({"TERM": "xterm", "NO_COLOR": ""}, [], True),
        ({"TERM": "xterm"}, ["--no-color"], False),
    ],
)
def test_colours_need_a_terminal_that_wants_them(
    variables: dict[str, str], flags: list[str], coloured: bool, named: Path, made: Town
) -> None:
    """Colour appears on a terminal unless NO_COLOR, TERM=dumb or --no-color says no; the words are the same."""
    made.play(*LIVE)
    made.open()
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")} | variables
    screen = on_terminal([*COMMAND, "status", *flags], environment)
    assert coloured == ("\x1b[" in screen)
    assert "live" in screen and "champion" in screen


def on_terminal(command: list[str], environment: dict[str, str]) -> str:
    """What a command writes to a terminal of its own."""
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        screen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            screen += piece
        assert 0 == process.wait(DEADLINE_SECONDS)
    os.close(ours)
    return screen.decode()


@pytest.mark.parametrize("words", [["--help"], ["status"], ["version"], ["status", "-o", "json"]])
def test_looking_loads_nothing_heavy(words: list[str], named: Path, made: Town) -> None:
    """Help, version and status load neither numpy, rich, pydantic, HTTP libraries, Git nor a database."""
    made.play(*LIVE)
    made.open()
    program = (
        f"import sys; sys.argv = ['windlass', *{words!r}]\n"
        "from windlass.main import run\n"
        "try:\n    run()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "print('\\nLOADED', *sorted({name.split('.')[0] for name in sys.modules}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True
    )
    loaded = set(ended.stdout.splitlines()[-1].split())
    assert set() == loaded & {
        "numpy",
        "rich",
        "pydantic",
        "sqlalchemy",
        "httpx2",
        "pygit2",
        "yaml",
        "fastapi",
        "asyncio",
    }
