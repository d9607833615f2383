"""Score a table with a release: `python -m windlass.serving.score --release DIR --input TABLE --output scores.json`."""

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from windlass.kernel.errors import UserMistake, WindlassError
from windlass.serving.commands import EXIT_ARGUMENTS, EXIT_LOAD, EXIT_PREDICT, give_up, settle_libraries

if TYPE_CHECKING:
    from windlass.serving.releases import LoadedRelease
    from windlass.serving.tables import TableColumns

BATCH_ROWS = 4096  # large enough that Python's share is small, small enough to name a failing row's neighbourhood
SINGLES = 300  # timed single calls; the 99th percentile then rests on three of them


def main() -> None:
    """Exits 0 with the scores written, 2 for unusable arguments, 3 when the model cannot be loaded, 4 when it cannot
    predict the table."""
    given = _arguments()
    settle_libraries()
    from windlass.serving.releases import load_release
    from windlass.serving.tables import head, read_table

    output, table_path = given.output.resolve(), given.input.resolve()
    began = time.monotonic()
    try:
        release = load_release(given.release)
    except WindlassError as error:
        give_up(error, EXIT_LOAD)
    load_seconds = time.monotonic() - began
    try:
        table = read_table(table_path, release.signature)
        table = head(table, given.limit) if given.limit else table
    except WindlassError as error:
        give_up(error, EXIT_ARGUMENTS)
    try:
        scores = score(release, table, given.singles)
    except WindlassError as error:
        give_up(error, EXIT_PREDICT)
    scores |= {"load_seconds": load_seconds, "peak_memory_bytes": _peak_memory_bytes()}
    output.write_text(json.dumps(scores, allow_nan=False), encoding="utf-8")


def score(release: "LoadedRelease", table: "TableColumns", singles: int = SINGLES) -> dict[str, Any]:
    """Predictions of a whole table in batches, and the milliseconds of single calls for its first rows.

    Raises:
        WindlassError: the table does not fit, or the model fails; the words name row and column.
    """
    import numpy as np

    from windlass.serving import answers
    from windlass.serving.frames import column_array, quoted

    signature = release.signature
    if not signature.is_tabular:
        raise UserMistake("the model takes tensors, not the rows of a table", code="not-tabular")
    absent = [column.name for column in signature.columns if column.name not in table]
    if absent:
        what = "the table does not have a column of the model"
        raise UserMistake(what, code="missing-column", where=f"column {quoted(absent[0])}")
    frame = {column.name: column_array(table[column.name].values, column) for column in signature.columns}
    rows = len(next(iter(frame.values())))
    parts = []
    for begin in range(0, rows, BATCH_ROWS):
        batch = {name: array[begin : begin + BATCH_ROWS] for name, array in frame.items()}
        try:
            parts.append(release.predict(batch))
        except UserMistake as error:
            error.where = f"rows {begin} to {min(begin + BATCH_ROWS, rows) - 1}" + (
                f", {error.where}" * bool(error.where)
            )
            raise
    outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    milliseconds = []
    for row in range(min(rows, singles)):
        began = time.perf_counter()
        release.predict({name: array[row : row + 1] for name, array in frame.items()})
        milliseconds.append((time.perf_counter() - began) * 1000)
    return {
        "rows": rows,
        "prediction": answers.predictions(outputs, signature) if rows else [],
        "probability": answers.probabilities(outputs, signature) if rows else None,
        "classes": answers.classes(signature),
        "outputs": {name: array.tolist() for name, array in outputs.items() if array.ndim == 1},
        "latency_ms": milliseconds,
    }


def _peak_memory_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="windlass.serving.score", description="Score a table with a release.")
    parser.add_argument("--release", type=Path, required=True, help="the release's folder")
    parser.add_argument("--input", type=Path, required=True, help="a table: .parquet, .csv or .json")
    parser.add_argument("--output", type=Path, required=True, help="where the scores go, as JSON")
    parser.add_argument("--limit", type=int, default=0, help="score only the first rows")
    parser.add_argument("--singles", type=int, default=SINGLES, help="time single calls of so many rows")
    return parser.parse_args()


if __name__ == "__main__":
    main()
