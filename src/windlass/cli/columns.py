"""The columns that a file names against the tables of a working copy: a slip is told before anything is built."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from windlass.cli.doors import Doors
from windlass.cli.holdout import COMPARED_BYTES_MAX, pointers_below
from windlass.cli.working import Working
from windlass.delivery.sources.keys import place_of
from windlass.delivery.sources.reading import read_document
from windlass.delivery.sources.types import FoundService
from windlass.kernel.errors import Complaint, WindlassError, clip

_HELD_OUT = ("label", "id", "unit")  # a gate looks for these in the holdout
_KEYS = (*_HELD_OUT, "time")
_ENDINGS = (".csv", ".parquet")
_NAMES_SHOWN = 8


def column_complaints(doors: Doors, working: Working) -> list[Complaint]:
    """Every column under `data:` that is in no table of its service. What is too large to be read now is left to the
    build and the gate."""
    return [complaint for found in working.reading.services for complaint in _of_service(doors, working, found)]


def _of_service(doors: Doors, working: Working, found: FoundService) -> Iterator[Complaint]:
    data = found.spec.data
    named = {key: str(getattr(data, key)) for key in _KEYS if getattr(data, key)}
    if not named:
        return
    locations = {**data.entries, **({"holdout": data.holdout} if data.holdout else {})}
    tables = {name: _columns(doors, working, found, location) for name, location in locations.items()}
    read = {locations[name]: columns for name, columns in tables.items() if columns is not None}
    document = read_document(working.files[found.path], found.path)
    for key, column in named.items():
        decides = len(read) == len(tables) or (key in _HELD_OUT and tables.get("holdout") is not None)
        if read and decides and not any(column in columns for columns in read.values()):
            assert not isinstance(document, tuple)
            yield document.complaint(("data", key), _nowhere(column, read))


def _columns(doors: Doors, working: Working, found: FoundService, location: str) -> tuple[str, ...] | None:
    """The names in a table; None where it is no table, or cannot be read cheaply."""
    place = place_of(location, found.folder)
    path = Path(working.root / place) if place is not None else None
    if path is None or path.suffix.lower() not in _ENDINGS or not path.is_file():
        return None
    if path.stat().st_size > COMPARED_BYTES_MAX or pointers_below(path):
        return None
    try:
        return tuple(doors.tables().read(str(path)).columns)
    except WindlassError:
        return None  # the gate and `plan` say what is wrong with it


def _nowhere(column: str, read: Mapping[str, tuple[str, ...]]) -> str:
    known = list(dict.fromkeys(name for columns in read.values() for name in columns))
    near = get_close_matches(column, known, n=1)
    shown = ", ".join(clip(name) for name in known[:_NAMES_SHOWN])
    more = f" and {len(known) - _NAMES_SHOWN} more" if len(known) > _NAMES_SHOWN else ""
    remedy = f'did you mean "{clip(near[0])}"?' if near else f"write one of {shown}{more}"
    return f'"{clip(column)}" is no column of {" or ".join(map(clip, read))}; {remedy}'
