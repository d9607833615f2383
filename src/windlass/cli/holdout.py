"""The held-out rows of a working copy: whether they can be judged on, and whether the champion was judged on them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from windlass.cli.doors import Doors
from windlass.cli.forecast import Known
from windlass.cli.working import Working
from windlass.delivery.gates.changes import OTHER_ROWS
from windlass.delivery.gates.holdouts import prepare
from windlass.delivery.sources.keys import LFS_POINTER_BYTES_MAX, lfs_pointer, place_of, read_locations
from windlass.delivery.sources.types import FoundService
from windlass.kernel.errors import WindlassError

COMPARED_BYTES_MAX = 32 << 20  # each row is digested, which takes about a second for so many


def holdout_seen(doors: Doors, working: Working, found: FoundService, known: Known | None) -> dict[str, Any]:
    """What `plan` says about the rows.

    `changed` is None where there is nothing to compare with; `words` holds what a person should know, else None.
    """
    location = found.spec.data.holdout
    place = place_of(location, found.folder) if location else None
    if place is None:
        return _seen()
    path = place if place.startswith("/") else str(working.root / place)
    if not os.path.isfile(path):
        return _seen(words=f"{place} is not there, so nothing can be judged on it")
    if os.path.getsize(path) > COMPARED_BYTES_MAX:
        return _seen()
    if pointers_below(Path(path)):
        return _seen(words=f"{place} is a Git LFS pointer; `git lfs pull` brings the rows")
    try:
        columns = doors.tables().read(path).columns
    except WindlassError as error:
        return _seen(words=str(error))
    return _compared(columns, found, known)


def pointers_seen(working: Working, found: FoundService) -> list[str]:
    """What `plan` says about data, or a model, in whose place a Git LFS pointer lies: no build could begin."""
    lines = []
    for name, location in read_locations(found.spec).items():
        place = place_of(location, found.folder)
        pointers = [] if place is None else pointers_below(working.root / place)
        if pointers:
            first = pointers[0]
            shown = first.relative_to(working.root) if first.is_relative_to(working.root) else first
            several = f"{shown} and {len(pointers) - 1} more are Git LFS pointers; `git lfs pull` brings the files"
            single = f"{shown} is a Git LFS pointer; `git lfs pull` brings the file"
            lines.append(f"{name}: {several if len(pointers) > 1 else single}")
    return lines


def pointers_below(path: Path) -> list[Path]:
    """The Git LFS pointers that lie at a path, or below it."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [one for one in files if one.is_file() and one.stat().st_size < LFS_POINTER_BYTES_MAX and _is_pointer(one)]


def _is_pointer(path: Path) -> bool:
    return lfs_pointer(path.read_bytes()) is not None


def _compared(columns: Mapping[str, Any], found: FoundService, known: Known | None) -> dict[str, Any]:
    prepared = prepare(columns, found.spec.data)
    rows = len(next(iter(columns.values()), ()))
    if prepared.refusals:
        return _seen(rows, words="; ".join(prepared.refusals))
    live = known.item.get("live") if known is not None else None
    verdict = known.newest("VerdictGiven", release=live["release"]) if known is not None and live else None
    judged_on = (verdict or {}).get("holdout")
    if not judged_on:
        return _seen(rows)
    changed = judged_on != prepared.holdout.digest
    return _seen(rows, changed, OTHER_ROWS if changed else None)


def _seen(rows: int | None = None, changed: bool | None = None, words: str | None = None) -> dict[str, Any]:
    return {"rows": rows, "changed": changed, "words": words}
