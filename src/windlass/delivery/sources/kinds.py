"""What a key's value may be: how it is read, what people are told it is, and how an editor checks it.

A reader takes the plain value from the file and returns the value of the spec; it raises ValueError with what to write.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from windlass.delivery.sources import locations
from windlass.delivery.sources.types import FreezeWindow, LimitSpec
from windlass.kernel import quantities
from windlass.kernel.errors import clip

_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_MODEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*|[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_.]*")
_TYPE_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_LIMIT = re.compile(r"(errors|p50|p90|p95|p99) *<= *(\S+)")
_WINDOW = re.compile(r"([a-z]{3}) ([0-2][0-9]):([0-5][0-9])\.\.([a-z]{3}) ([0-2][0-9]):([0-5][0-9])")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

FORMAT = 1  # of windlass.yaml; a second one would be a file that old releases must refuse
PYTHONS = ("3.11", "3.12", "3.13")
MEMORY_BYTES_MIN = 16 << 20  # an empty Python process holds this much

Reader = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """`words` completes the sentence "must be ..."; `schema` is the editor's check (JSON Schema).

    `form` says what YAML holds: one value, a list of `item`, or a mapping of names to `item`. `whole` checks the
    items of a list together.
    """

    words: str
    read: Reader
    schema: Mapping[str, object]
    form: str = "value"
    item: "Kind | None" = None
    whole: Reader | None = field(default=None)


def shown(value: Any) -> str:
    """A wrong value as a complaint names it; text in quotes, since `"false"` is not false."""
    written = clip(quantities.written_as(value))
    return f'"{written}"' if isinstance(value, str) else written


def _text(value: Any) -> str:
    """One line of text as it stands, blanks at its ends taken off."""
    if isinstance(value, (dict, list)):
        raise ValueError(f"must be one line of text, not {quantities.written_as(value)}")
    if not isinstance(value, str):
        raise ValueError(f'must be text; write "{clip(quantities.written_as(value))}" in quotes')
    if not value.strip() or not value.isprintable():
        raise ValueError("must be one line of printable text")
    return value.strip()


def _command(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a command for the shell, such as python train.py")
    return value.strip()


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {shown(value)}")
    return value


def _integer(low: int, high: int) -> Reader:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {shown(value)}")
        return value

    return read


def _choice(*choices: str) -> Reader:
    def read(value: Any) -> str:
        if value in choices:
            return str(value)
        written = clip(quantities.written_as(value))
        near = get_close_matches(written, choices, n=1)
        remedy = f'did you mean "{near[0]}"?' if near else f"write {' or '.join(choices)}"
        raise ValueError(f'"{written}" is unknown; {remedy}')

    return read


def _format(value: Any) -> int:
    if value != FORMAT or isinstance(value, bool):
        raise ValueError(
            f"this Windlass reads format {FORMAT}; write {FORMAT}, or install one that reads {shown(value)}"
        )
    return FORMAT


def _service_name(value: Any) -> str:
    if isinstance(value, str) and _SERVICE_NAME.fullmatch(value):
        return value
    written = clip(quantities.written_as(value))
    raise ValueError(f'"{written}" is no service name; use a to z, 0 to 9 and -, at most 40, with a letter first')


def _location(value: Any) -> str:
    return locations.location(_text(value))


def _data_location(value: Any) -> str:
    found = _location(value)
    if "/" not in value and "." not in value:
        raise ValueError(
            f'"{clip(value)}" is not a location; write a path such as data/{clip(value)}.csv or ./{clip(value)}'
        )
    return found


def _relative_path(value: Any) -> str:
    path = locations.cleaned(_text(value))
    if path.startswith("/"):
        raise ValueError(f'"{clip(path)}" is absolute; write it relative to this file')
    return path


def _folder_below(value: Any) -> str:
    path = _relative_path(value)
    if path == "." or path.startswith(".."):
        raise ValueError(f'"{clip(path)}" is not below this file; list folders such as models/fraud')
    if "tests" in path.split("/"):
        raise ValueError(f'"{clip(path)}" lies below tests, where no service is looked for; move it')
    return path


def _model(value: Any) -> str:
    text = _text(value)
    if not _MODEL.fullmatch(text) or ".." in text:
        raise ValueError(
            f'"{clip(text)}" is neither a file of the output nor a class; write model.skops or module:Class'
        )
    return text


def _allowed(value: Any) -> str:
    text = _text(value)
    if text != "pickle" and not _TYPE_NAME.fullmatch(text):
        raise ValueError(f'"{clip(text)}" cannot be allowed; write pickle, or the full name of a type such as pkg.Clip')
    return text


def _python(value: Any) -> str:
    if value in PYTHONS:
        return str(value)
    written = clip(quantities.written_as(value))
    if isinstance(value, float):
        raise ValueError(f'must be text, since 3.10 as a number is 3.1; write "{PYTHONS[0]}" in quotes')
    raise ValueError(f'"{written}" is not supported; write "{PYTHONS[0]}", "{PYTHONS[1]}" or "{PYTHONS[2]}"')


def _zone(value: Any) -> str:
    from zoneinfo import ZoneInfo

    name = _text(value)
    if name == "UTC":
        return name  # known to machines without a time zone database too
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError(f'"{clip(name)}" is no time zone; write UTC or a name such as Europe/Berlin') from None
    return name


def _scalar(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        raise ValueError("must be one value of the label column")
    return value


def _anything(value: Any) -> Any:
    return value


def _header(value: Any) -> str:
    text = _text(value)
    if text == "cookie":
        raise ValueError("cookies are not a unit yet; write the name of a request header, such as X-User-Id")
    if not _HEADER.fullmatch(text):
        raise ValueError(f'"{clip(text)}" is no header name; write one such as X-User-Id')
    return text


def _strategy(value: Any) -> str:
    if value in ("blue-green", "shadow", "ab", "all-at-once"):
        raise ValueError(f'"{value}" is not built yet; write canary')
    return str(_choice("canary")(value))


def _duration(low: str, high: str) -> Reader:
    def read(value: Any) -> float:
        seconds = quantities.duration(value)
        if not quantities.duration(low) <= seconds <= quantities.duration(high):
            raise ValueError(f'"{quantities.written_as(value)}" is out of range; write {low} to {high}')
        return seconds

    return read


def _memory(value: Any) -> int:
    found = quantities.size(value)
    if found < MEMORY_BYTES_MIN:
        raise ValueError(f'"{quantities.written_as(value)}" is too little for any process; write 16Mi or more')
    return found


def _step(value: Any) -> float:
    share = quantities.share(value)
    if share == 0:
        raise ValueError("a step of 0% moves no traffic; take it out")
    return share


def _rising_to_all(shares: Any) -> tuple[float, ...]:
    if list(shares) != sorted(set(shares)) or not shares or shares[-1] != 1.0:
        raise ValueError("must rise from step to step and end with 100%, such as [5%, 25%, 50%, 100%]")
    return tuple(shares)


def _limit(value: Any) -> LimitSpec:
    line = _text(value)
    found = _LIMIT.fullmatch(line)
    if not found:
        raise ValueError(
            f'"{clip(line)}" is not a limit; write it like errors <= 1% or p99 <= 300ms (p50, p90, p95, p99)'
        )
    name, written = found.groups()
    if name == "errors":
        bound = quantities.share(_number_or_text(written))
        if not 0 < bound < 1:
            raise ValueError(f'"{line}" can never be shown; write a share above 0% and below 100%')
        return LimitSpec(line, "errors", 0.0, bound, declared=True)
    seconds = _duration("1ms", "1h")(_number_or_text(written))
    return LimitSpec(line, "latency", int(name[1:]) / 100, seconds, declared=True)


def _number_or_text(written: str) -> str | int:
    return int(written) if written.isdecimal() and len(written) < 10 else written


def _once_each(limits: Any) -> tuple[LimitSpec, ...]:
    seen = [(limit.family, limit.quantile) for limit in limits]
    if len(set(seen)) < len(seen):
        raise ValueError("must hold at most one line for errors and for each quantile; keep the strictest")
    return tuple(limits)


def _window(value: Any) -> FreezeWindow:
    line = _text(value)
    found = _WINDOW.fullmatch(line)
    days = (found[1], found[4]) if found else ("", "")
    if not found or not set(days) <= set(_DAYS) or max(found[2], found[5]) > "23":
        raise ValueError(f'"{clip(line)}" is not a weekly window; write it like "fri 16:00..mon 08:00"')
    begin, end = (
        _DAYS.index(day) * 1440 + int(hour) * 60 + int(minute)
        for day, hour, minute in (found.group(1, 2, 3), found.group(4, 5, 6))
    )
    if begin == end:
        raise ValueError(f'"{line}" ends where it begins; write another end')
    return FreezeWindow(line, begin, end)


def _env_value(value: Any) -> str:
    return _text(value) if not isinstance(value, str) else value


def _gate_line(value: Any) -> str:
    """A gate line; `- approve: 1 of risk-leads` is a mapping to YAML, and the same line to people."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, rest),) = value.items()
        if isinstance(rest, str):
            return _text(f"{name}: {rest}")
    return _text(value)


def list_of(item: Kind, words: str, whole: Reader = tuple) -> Kind:
    """A list whose items are each of one kind."""
    schema = {"type": "array", "items": item.schema, "minItems": 1}
    return Kind(words, _anything, schema, "list", item, whole)


def mapping_of(item: Kind, words: str) -> Kind:
    """A mapping of free names to values of one kind."""
    return Kind(words, _anything, {"type": "object", "additionalProperties": item.schema}, "mapping", item)


def choice(*choices: str) -> Kind:
    """One of a few words."""
    return Kind(" or ".join(choices), _choice(*choices), {"enum": list(choices)})


def integer(low: int, high: int) -> Kind:
    """A whole number in a range."""
    return Kind(
        f"a whole number from {low} to {high}",
        _integer(low, high),
        {"type": "integer", "minimum": low, "maximum": high},
    )


def duration(low: str, high: str) -> Kind:
    """A length of time in a range."""
    schema = {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|[smhdw]))+$"}
    return Kind(f"a duration from {low} to {high}", _duration(low, high), schema)


_STRING: Mapping[str, object] = {"type": "string", "minLength": 1}

TEXT = Kind("one line of text", _text, _STRING)
COMMAND = Kind("a command for the shell", _command, _STRING)
BOOLEAN = Kind("true or false", _boolean, {"type": "boolean"})
SERVICE_NAME = Kind("a service name", _service_name, {"type": "string", "pattern": f"^{_SERVICE_NAME.pattern}$"})
FILE_FORMAT = Kind("the number of the format", _format, {"const": FORMAT})
LOCATION = Kind("a path", _location, _STRING)
DATA_LOCATION = Kind("the path of a data set", _data_location, _STRING)
RELATIVE_PATH = Kind("a path relative to this file", _relative_path, _STRING)
FOLDER = Kind("a folder below this file", _folder_below, _STRING)
MODEL = Kind("a file of the output, or module:Class", _model, _STRING)
ALLOWED = Kind("pickle, or the full name of a type", _allowed, _STRING)
PYTHON = Kind("a Python version in quotes", _python, {"enum": list(PYTHONS)})
ZONE = Kind("the name of a time zone", _zone, _STRING)
SCALAR = Kind("a value of the label column", _scalar, {"type": ["string", "number", "boolean"]})
ANYTHING = Kind("any value", _anything, {})
HEADER = Kind("the name of a request header", _header, {"type": "string", "pattern": f"^{_HEADER.pattern}$"})
STRATEGY = Kind("canary", _strategy, {"enum": ["canary"]})
MEMORY = Kind("a size such as 2Gi", _memory, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?[KMGT]i?$"})
STEP = Kind("a share such as 5%", _step, {"type": ["string", "number"]})
LIMIT = Kind("a limit such as errors <= 1%", _limit, {"type": "string", "pattern": "^(errors|p50|p90|p95|p99) *<= *"})
WINDOW = Kind("a weekly window", _window, {"type": "string", "pattern": f"^{_WINDOW.pattern}$"})
ENV_VALUE = Kind("text, env:NAME or file:PATH", _env_value, {"type": "string"})
GATE_LINE = Kind("a gate line", _gate_line, {"type": ["string", "object"]})
STEPS = list_of(STEP, "a list of shares that ends with 100%", _rising_to_all)
LIMITS = list_of(LIMIT, "a list of limits", _once_each)
