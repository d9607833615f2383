"""Learn who will see a doctor within a year. Windlass says where the data lie and where the model belongs."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier

LABEL = "any_visit"
NO_FEATURES = {LABEL, "person"}


def features(table: Any) -> np.ndarray:
    """The columns that a caller knows before the year begins, in the table's order."""
    return np.column_stack([table[name].to_numpy() for name in table.column_names if name not in NO_FEATURES])


def main() -> None:
    """Read the table, learn, write the model."""
    table = pq.read_table(os.environ.get("WINDLASS_DATA_TRAIN", "data/train.parquet"))
    params = json.loads(os.environ.get("WINDLASS_PARAMS", "{}"))
    seed = int(os.environ.get("WINDLASS_SEED", "0"))
    model = HistGradientBoostingClassifier(random_state=seed, **params)
    model.fit(features(table), table[LABEL].to_numpy())
    print(f"learned from {table.num_rows} rows of {model.n_features_in_} columns")

    output = Path(os.environ.get("WINDLASS_OUTPUT", "model"))
    output.mkdir(parents=True, exist_ok=True)
    skops.io.dump(model, output / "model.skops")


if __name__ == "__main__":
    main()
