"""Text sessions and their stored answers: the real engine, planner and site agent on a virtual clock."""

import asyncio
from pathlib import Path

import pytest

from windlass.sim.session import Session, SessionError, play

SESSIONS = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_sessions(path: Path) -> None:
    """Every session answers as stored; `make bless` renews the answers and shows the difference."""
    stored = path.read_text()
    assert stored == asyncio.run(play(stored, folder=path.parent))


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_sessions_stay_readable(path: Path) -> None:
    """A stored answer that nobody reads proves nothing: at most 120 lines."""
    assert len(path.read_text().splitlines()) <= 120


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("> dance", "unknown command 'dance'"),
        ("> tick 1s", "begin with `service NAME` or `load FILE`"),
        ('> service s\n> commit "v1" colour=red', "unknown option 'colour' of commit"),
        ("> service s\n> kill everything", "kill control, agent or replicas"),
        ("> service s\n> git dance", "git break, repair or remove-branch"),
        ("> load nowhere.yaml", "nowhere.yaml cannot be read: No such file or directory"),
        ("> load\n| service: s", "windlass.yaml:1:1: does not say where the model comes from"),
        ("> service s\n> load\n| service: t\n| train: x", "windlass.yaml is of t, and this session is about s"),
    ],
)
def test_a_wrong_line_says_what_is_possible(text: str, words: str) -> None:
    """A session with a line that is no command ends with an error that names it."""
    with pytest.raises(SessionError, match=words):
        asyncio.run(play(text))


def test_who_asks_for_the_plan_changes_nothing() -> None:
    """With a `plan` after every line a session answers what it answers without."""

    async def told(text: str, *, asks: bool) -> list[list[str]]:
        session, answers = Session(), []
        for line in text.splitlines():
            answers.append(await session.run(line))
            if asks and session.world is not None:
                await session.run("plan")
        return answers

    text = 'service s\ncommit "v1"\ntick until live\ntraffic 200/s\ncommit "v2"\ntick 90s\nwhy 25\ncallers'
    assert asyncio.run(told(text, asks=False)) == asyncio.run(told(text, asks=True))


def test_a_bad_file_is_committed_like_any_other() -> None:
    """Once there is a service, `load` takes a file that nobody should follow: the control plane says what is wrong."""
    text = '> service s\n> commit "v1"\n> load\n| service: s\n| train: x\n| replicas: 0\n> commit "v2"\n> plan'
    words = "the file of commit v2 is refused: windlass.yaml:3:11: replicas: must be a whole number"
    assert words in asyncio.run(play(text))
