"""Makes the tables of `windlass init` and of examples/doctor-visits from the data that statsmodels ships.

The RAND Health Insurance Experiment holds up to five years of each person, without naming anybody. Rows that agree in
all features count as one person here, and a person is wholly in one table, so that no model is judged on whom it knows.

    python -m tools.doctor_visits
"""

import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
STARTER = ROOT / "src/windlass/delivery/sources/starter"
EXAMPLE = ROOT / "examples/doctor-visits/data"
LABEL = "any_visit"
SEED = 20_190  # the number of rows in the source


def tables() -> tuple[Any, Any]:
    """The training rows and the held-out rows, with the column `person`."""
    import numpy as np
    import statsmodels.api as sm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = sm.datasets.randhie.load_pandas().data
    label = (rows.pop("mdvis") > 0).astype("int64")
    rows = rows.round(2)
    rows.insert(0, "person", rows.groupby(list(rows.columns), sort=False).ngroup())
    rows[LABEL] = label
    chosen = np.random.default_rng(SEED).random(rows["person"].max() + 1) < 0.5
    is_train = chosen[rows["person"]]
    return rows[is_train], rows[~is_train]


def starter_text(rows: Any) -> str:
    """One year of each person as CSV, so that a new repository stays small."""
    first = rows.groupby("person", sort=False).head(1).drop(columns="person")
    lines = [",".join(first.columns)]
    lines += [",".join(f"{value:g}" for value in row) for row in first.itertuples(index=False)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write all four files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, rows in zip(("train", "holdout"), tables(), strict=True):
        STARTER.mkdir(parents=True, exist_ok=True)
        EXAMPLE.mkdir(parents=True, exist_ok=True)
        (STARTER / f"{name}.csv").write_text(starter_text(rows), encoding="utf-8")
        table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(table, EXAMPLE / f"{name}.parquet", compression="zstd")


if __name__ == "__main__":
    main()
