"""Lines that fit a terminal: wrapping, bars, times in the local zone."""

import math
import re
from datetime import UTC, datetime

from windlass.kernel.instants import span

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
EVIDENCE_SHOWN_MAX = 1_000_000
BAR = "█"
BAR_PARTS = " ▏▎▍▌▋▊▉█"


def wrapped(head: str, words: str, width: int) -> list[str]:
    """`head` and then `words`, continued below itself where it is longer than the line.

    >>> wrapped("why  ", "one two three four five six", 26)
    ['why  one two three four', '     five six']
    >>> wrapped("why  ", "one\\n  two", 0)
    ['why  one', '       two']
    """
    room = max(20, width - len(head)) if width else 1 << 30
    lines: list[str] = []
    for paragraph in words.split("\n"):
        line = paragraph[: len(paragraph) - len(paragraph.lstrip(" "))]  # a traceback is nothing without its steps
        is_new = True
        for word in paragraph.lstrip(" ").split(" "):
            if not is_new and len(line) + 1 + len(word) > room:
                lines.append(line)
                line = word
            else:
                line += word if is_new else f" {word}"
            is_new = False
        lines.append(line)
    return [(head if index == 0 else " " * len(head)) + line for index, line in enumerate(lines)]


def brief(words: str) -> str:
    """Words that may hold the last lines of a log, in one line: what happened, the last of those lines, and what to do.

    >>> brief("train: it ended with exit code 1; its last lines:\\n  Traceback:\\n  KeyError: 'x'")
    "train: it ended with exit code 1: KeyError: 'x'"
    """
    first, *others = [line for line in words.split("\n") if line.strip()] or [""]
    quoted = [line.strip() for line in others if line.startswith("  ")]
    rest = [line.strip() for line in others if not line.startswith("  ")]
    head = ": ".join([first.removesuffix("; its last lines:"), *quoted[-1:]]).removesuffix(";")
    return "; ".join([head, *rest])


def bar(share: float, width: int) -> str:
    """A share from 0 to 1 as a bar in eighths of a character; a share that is not 0 is never invisible.

    >>> bar(0.5, 4), bar(0.001, 4)
    ('██  ', '▏   ')
    """
    eighths = min(width * 8, max(round(share * width * 8), 1 if share > 0 else 0))
    whole, part = divmod(eighths, 8)
    return (BAR * whole + (BAR_PARTS[part] if part else "")).ljust(width)


def log_bar(evidence: float, threshold: float, width: int) -> str:
    """Evidence against its threshold on a log scale: 1 (nothing known) is empty, the threshold is full.

    >>> log_bar(10, 100, 8)
    '████    '
    """
    if evidence <= 1:
        return " " * width
    return bar(min(1.0, math.log(evidence) / math.log(threshold)), width)


def moment(text: str | None) -> datetime | None:
    """A time of the API; None for null."""
    return datetime.fromisoformat(text).astimezone() if text else None


def clock(text: str | None, now: datetime | None = None) -> str:
    """A time of the API in the local zone, by name: `14:03:22 CET`, with the date where it is not today.

    >>> clock(None)
    ''
    """
    at = moment(text)
    if at is None:
        return ""
    today = (now or datetime.now(UTC)).astimezone().date()
    return at.strftime("%H:%M:%S %Z" if at.date() == today else "%Y-%m-%d %H:%M:%S %Z")


def local_times(words: str, now: str = "") -> str:
    """Words with every time of the API in them (RFC 3339) told in the local zone, and how far ahead of `now` it lies.

    >>> local_times("until 2000-01-01T00:00:15.000Z", "2000-01-01T00:00:00.000Z").endswith(" (in 15 s)")
    True
    """

    def told(found: re.Match[str]) -> str:
        left = ahead(found[0], now)
        return clock(found[0], moment(now)) + (f" ({left})" if left else "")

    return _TIME.sub(told, words)


def ago(text: str | None, now: str) -> str:
    """How long before `now` (both times of the API) something was."""
    at, until = moment(text), moment(now)
    return f"{span(max(0.0, (until - at).total_seconds()))} ago" if at and until else ""


def ahead(text: str | None, now: str | None) -> str:
    """How long after `now` something will be; empty where that is not known or over."""
    at, since = moment(text), moment(now)
    left = (at - since).total_seconds() if at and since else 0.0
    return f"in {span(left)}" if left >= 0.5 else ""


def percent(share: float) -> str:
    """A share as people say it: `5 %`, `0.5 %`.

    >>> percent(0.05), percent(0.005), percent(1.0)
    ('5 %', '0.5 %', '100 %')
    """
    return f"{share * 100:.3g} %"


def evidence_number(value: float) -> str:
    """An e-value as people read it. What is far beyond every threshold, or next to nothing, needs no digits.

    >>> evidence_number(1.24), evidence_number(1234.5), evidence_number(3e9), evidence_number(1e-9)
    ('1.2', '1,234', '> 1,000,000', '< 0.1')
    """
    if value < 0.1:
        return "< 0.1" if value else "0"
    if value < 100:
        return f"{value:.1f}"
    return f"{value:,.0f}" if value <= EVIDENCE_SHOWN_MAX else f"> {EVIDENCE_SHOWN_MAX:,}"


def size(count: float) -> str:
    """Bytes in powers of 1024: `12 KiB`.

    >>> size(12_300), size(3), size(5 * 1024**3)
    ('12 KiB', '3 bytes', '5.0 GiB')
    """
    if count < 1024:
        return f"{count:.0f} bytes"
    for unit in ("KiB", "MiB", "GiB"):
        count /= 1024
        if count < 1024 or unit == "GiB":
            return f"{count:.1f} {unit}" if count < 10 else f"{count:,.0f} {unit}"
    return ""
