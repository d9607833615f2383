"""The two streams: stdout carries data, stderr carries talk. With `-o json` stdout is whole JSON or empty.

Foreign text (commit subjects, log lines, names) is made harmless before it reaches a terminal.
"""

import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any

API = "windlass/v1"
QUIET_SECONDS = 1.0  # shorter work shows no progress
HEARTBEAT_SECONDS = 30.0  # a log of CI shows that something still runs
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36", "bold": "1", "dim": "2"}
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


def harmless(text: str) -> str:
    """Foreign text without the power to move a cursor or change a title; tabs and line ends stay.

    >>> harmless(chr(27) + "[31mred" + chr(7))
    'red\\\\x07'
    """
    kept = _SEQUENCE.sub("", text)
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in kept)


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours, where they are wanted. A word or a sign always carries the meaning too."""

    wanted: bool
    terminal: bool = False  # whether what is painted goes to one

    def __call__(self, text: str, *names: str) -> str:
        if not self.wanted or not text:
            return text
        return f"\x1b[{';'.join(_COLOURS[name] for name in names)}m{text}\x1b[0m"


def wants_colour(stream: IO[str], refused: bool = False) -> bool:
    """Whether to colour a stream: a terminal, unless NO_COLOR, TERM=dumb or `--no-color` says no."""
    return not refused and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


class Talk:
    """What a verb says, and where it goes."""

    def __init__(
        self, *, output: str = "text", quiet: bool = False, verbose: bool = False, colour: bool = True
    ) -> None:
        self.output = output
        self.json = output == "json"
        self.quiet = quiet
        self.verbose = verbose
        self.colour = colour
        self.paint = Paint(wants_colour(sys.stdout, not colour), sys.stdout.isatty())
        self.paint_err = Paint(wants_colour(sys.stderr, not colour))

    @property
    def width(self) -> int:
        """The columns of the terminal; 0, without a limit, where stdout is none."""
        import shutil

        return shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else 0

    def write(self, text: str) -> None:
        """Data for people, on stdout. The text must be harmless already; nothing is written with `-o json`."""
        if not self.json:
            print(text, flush=True)

    def raw(self, text: str) -> None:
        """Data for people as it comes, without an end of line."""
        if not self.json:
            print(text, end="", flush=True)

    def give(self, kind: str, answer: Mapping[str, Any]) -> None:
        """Data for programs: one JSON object on one line of stdout; nothing without `-o json`."""
        if self.json:
            import json

            whole = {"api": API, "kind": kind} | dict(answer)
            print(json.dumps(whole, allow_nan=False, ensure_ascii=False), flush=True)

    def say(self, text: str) -> None:
        """Talk, on stderr; `-q` silences it."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def detail(self, text: str) -> None:
        """Talk that only `-v` shows."""
        if self.verbose:
            print(self.paint_err(harmless(text), "dim"), file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Talk that `-q` does not silence."""
        print(self.paint_err(f"warning: {text}", "yellow"), file=sys.stderr, flush=True)

    def progress(self) -> "Progress":
        """A line that says what is being waited for, for work that may take longer than a second."""
        return Progress(self)


class Progress:
    """On a terminal one live line, elsewhere a line for each change and a heartbeat; silent in the first second."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._began = time.monotonic()
        self._said = ""
        self._said_at = self._began
        self._shown = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._shown and self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def __call__(self, text: str, topic: str = "") -> None:
        """Say what is waited for now; call it at every look. Without a terminal a new line follows a new `topic` only,
        by default the text itself: a counter is no news."""
        now = time.monotonic()
        if self._talk.quiet or now - self._began < QUIET_SECONDS:
            return
        text = harmless(text).replace("\n", " ")
        passed = f"{text} ({now - self._began:.0f} s)"
        if self._live:
            import shutil

            width = shutil.get_terminal_size().columns
            print(f"\r\x1b[K{self._talk.paint_err(passed[: width - 1], 'dim')}", end="", file=sys.stderr, flush=True)
        elif (topic or text) != self._said or now - self._said_at >= HEARTBEAT_SECONDS:
            print(passed, file=sys.stderr, flush=True)
            self._said_at = now
        self._said = topic or text
        self._shown = True
