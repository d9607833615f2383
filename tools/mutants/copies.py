"""Copies of `src` with one change each, and what runs on them: the working tree itself is never changed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build/mutants"
_WHERE = "import windlass; print(windlass.__file__)"


class NotTrue(ValueError):
    """The catalogue or a copy is not what it should be: which, and why."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command on a copy ended; `code` is None where it had to be killed."""

    code: int | None
    words: str


@contextmanager
def copied(name: str, path: str = "", text: str | None = None) -> Iterator[Path]:
    """A copy of `src` in which one file holds another text; it is removed again.

    Args:
        name: of its folder.
        path: the file, from the root of the repository: `src/windlass/...`.
        text: what it holds in the copy; None for no change at all.

    Raises:
        NotTrue: Python would not import the copy.
    """
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    try:
        if text is not None:
            (folder / path).write_text(text)
        found = run(folder, [sys.executable, "-c", _WHERE], 60)
        if found.code == 0 and not Path(found.words).is_relative_to(folder):
            raise NotTrue(f"{name}: {found.words} was imported instead of the copy in {folder}")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, command: Sequence[str], seconds_max: float) -> Ended:
    """Run a command from the root of the repository on a copy; its children end with it."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        words, _ = process.communicate(timeout=seconds_max)
    except subprocess.TimeoutExpired:
        return Ended(None, f"no end within {seconds_max:.0f} s")
    finally:
        _end(process)
    return Ended(process.returncode, words.strip())


def _end(process: "subprocess.Popen[str]") -> None:
    """What the command started and left behind is in its session, and ends too."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()


def pytest_command(paths: Sequence[str]) -> list[str]:
    """Run some tests until the first failure."""
    quiet = ["-q", "-x", "--no-header", "--tb=line", "-m", "not machine", "--hypothesis-profile=repeatable"]
    return [sys.executable, "-m", "pytest", *quiet, *paths]


def failed_test(words: str) -> str:
    """The first test that failed, as pytest names it; the last line where it names none."""
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", words, re.MULTILINE)
    return found[1] if found else (words.splitlines() or ["no words"])[-1][:160]


def commit() -> str:
    """The short hash of the newest commit."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip()
