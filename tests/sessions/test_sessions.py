"""Text sessions and their stored answers: the real engine, planner and site agent on a virtual clock."""

import asyncio
from pathlib import Path

import pytest

from windlass.sim.session import SessionError, play

SESSIONS = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_sessions(path: Path) -> None:
    """Every session answers as stored; `make bless` renews the answers and shows the difference."""
    stored = path.read_text()
    assert stored == asyncio.run(play(stored))


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_sessions_stay_readable(path: Path) -> None:
    """A stored answer that nobody reads proves nothing: at most 120 lines."""
    assert len(path.read_text().splitlines()) <= 120


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("> dance", "unknown command 'dance'"),
        ("> tick 1s", "begin with `service NAME`"),
        ('> service s\n> commit "v1" colour=red', "unknown option 'colour' of commit"),
        ("> service s\n> kill everything", "kill control, agent or replicas"),
        ("> service s\n> git dance", "git break, repair or remove-branch"),
    ],
)
def test_a_wrong_line_says_what_is_possible(text: str, words: str) -> None:
    """A session with a line that is no command ends with an error that names it."""
    with pytest.raises(SessionError, match=words):
        asyncio.run(play(text))
