"""What every benchmark prints and writes: one table, one JSON file, each row with its goal and whether it is met."""

import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

BUILD = Path(__file__).parent.parent / "build" / "bench"


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number. `goal` and `peer` are words; `met` is None where nothing was promised."""

    id: str
    what: str
    value: float
    unit: str
    goal: str = ""
    peer: str = ""
    met: bool | None = None


def publish(area: str, rows: Sequence[Row]) -> int:
    """Print the table and write `build/bench/<area>.json`; the exit status is 1 where a goal is missed."""
    print(_table(rows))
    BUILD.mkdir(parents=True, exist_ok=True)
    content = {"area": area, "commit": _commit(), "machine": _machine(), "rows": [asdict(row) for row in rows]}
    (BUILD / f"{area}.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(any(row.met is False for row in rows))


def _table(rows: Sequence[Row]) -> str:
    met = {True: "yes", False: "NO", None: ""}
    cells = [("", "what", "measured", "goal", "met", "others")]
    cells += [
        (row.id, row.what, f"{row.value:,.4g} {row.unit}".strip(), row.goal, met[row.met], row.peer) for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
