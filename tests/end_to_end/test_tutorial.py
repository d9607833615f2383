"""The tutorial, played as a reader plays it: every command block of the page, in order, in an empty folder."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-service.md"
BLOCK = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
BLOCK_SECONDS_MAX = 420.0  # a build and a rollout on a machine that has much else to do


class Reader:
    """Somebody with two terminals and no Git identity, whose port 8080 may be taken by another."""

    def __init__(self, folder: Path) -> None:
        self.folder = self.place = folder
        self.port = _free_port()
        self.sending: list[subprocess.Popen[str]] = []
        self.seen: dict[str, str] = {}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WINDLASS_", "XDG_", "GIT_"))}
        nobody = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_CONFIG_COUNT": "1"}
        nobody |= {"GIT_CONFIG_KEY_0": "user.useConfigOnly", "GIT_CONFIG_VALUE_0": "true"}  # Git shall not guess a name
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {**kept, **nobody, "PATH": path, "XDG_STATE_HOME": str(folder / "state"), "TERM": "xterm"}

    def play(self, block: str) -> str:
        """Type one block; it must end well, and what it says is kept. What a sender says is not waited for."""
        block = block.replace("windlass up", f"windlass up --port {self.port}").replace(":8080", f":{self.port}")
        words = ""
        if block.startswith("windlass send"):
            self.sending.append(self._start(block))
        elif block.startswith("windlass status -w"):
            words = self._watch(block)
        else:
            done = self._start(f'{block}\npwd > "{self.folder}/where"')
            words, _ = done.communicate(timeout=BLOCK_SECONDS_MAX)
            assert 0 == done.returncode, f"$ {block}\n{words}"
            self.place = Path((self.folder / "where").read_text().strip())
        self.seen[block] = self.seen.get(block, "") + words
        return words

    def sees(self, promised: str, words: str) -> bool:
        """Whether words hold what the page promises: "…" stands for what differs from reader to reader."""
        parts = " ".join(promised.replace(":8080", f":{self.port}").split()).split("…")
        return re.search(".*?".join(map(re.escape, parts)), " ".join(words.split())) is not None

    def close(self) -> None:
        """Leave nothing running."""
        for one in self.sending:
            one.terminate()
            one.communicate(timeout=30)
        self._start("windlass down").communicate(timeout=60)

    def _start(self, script: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["bash", "-e", "-c", script],
            cwd=self.place,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _watch(self, command: str) -> str:
        """Look until it tells of a service, then Ctrl-C."""
        watching = self._start(f"exec {command}")
        assert watching.stdout is not None
        first = watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        rest, _ = watching.communicate(timeout=30)
        return first + rest


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def blocks(text: str) -> list[str]:
    """The commands of a page, without the line in which a reader writes a path of the own machine."""
    found = [re.sub("^    ", "", block, flags=re.MULTILINE).strip() for block in BLOCK.findall(text)]
    return [block for block in found if not block.startswith("export PATH=")]


def promises(text: str) -> list[list[str]]:
    """What the page says one sees after each of its blocks: the code in the paragraph that begins with "You see"."""
    after = re.split(BLOCK, text)[1:]
    shown = [re.search(r"^You see (.*?)(?:\n\n|\Z)", part, re.MULTILINE | re.DOTALL) for part in after]
    return [re.findall(r"`([^`]+)`", found[1]) if found else [] for found in shown][1:]  # the first block sets the path


@contextmanager
def reader() -> Iterator[Reader]:
    """A reader in an empty folder."""
    folder = Path(tempfile.mkdtemp(prefix="wl-", dir="/tmp"))
    one = Reader(folder)
    try:
        yield one
    finally:
        one.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(1500)
def test_the_tutorial_plays_as_written() -> None:
    """Every block ends well and shows what the page promises; the better model is promoted, the worse one never sees
    traffic, and a person goes back."""
    with reader() as one:
        text = PAGE.read_text()
        for block, promised in zip(blocks(text), promises(text), strict=True):
            words = one.play(block)
            assert [] == [code for code in promised if not one.sees(code, words)], f"$ {block}\n{words}"
        said = {block.split("\n")[-1].strip(): words for block, words in one.seen.items()}
        assert '"predictions"' in next(words for block, words in said.items() if block.startswith("-d '"))
        assert "exit code 10" in said['windlass status visits --wait || echo "exit code $?"'], said
        assert "worse than the champion" in said["windlass why visits"]
        assert "frozen" in said["windlass status visits"]
        assert "visits" in said["windlass status -w"]
