"""The RAND health insurance experiment, as statsmodels ships it: 20,190 person-years, who saw a doctor?

Training and holdout hold people up to the 96th percentile of chronic diseases. The live traffic holds sicker people
too: after a model is trained, the world goes on.
"""

import json
from pathlib import Path

from tools.demo.numbers import LiveRows

TRAIN_ROWS, HOLDOUT_ROWS, LIVE_ROWS = 9_000, 8_000, 2_000
SICKER_SHARE = 0.04  # of the live rows: what a fault on them harms stays below one request in twenty
SEED = 7


def write_data(folder: Path, live: Path) -> None:
    """Write `train.parquet` and `holdout.parquet` into a folder, and the live rows as JSON lines."""
    import numpy as np
    from statsmodels.datasets import randhie

    table = randhie.load_pandas().data
    table["visited"] = (table.pop("mdvis") > 0).astype("int64")
    chance = np.random.default_rng(SEED)
    sicker = table["disea"] > table["disea"].quantile(1 - SICKER_SHARE)
    usual = chance.permutation(np.flatnonzero(~sicker))
    folder.mkdir(parents=True, exist_ok=True)
    table.iloc[usual[:TRAIN_ROWS]].to_parquet(folder / "train.parquet", index=False)
    table.iloc[usual[TRAIN_ROWS : TRAIN_ROWS + HOLDOUT_ROWS]].to_parquet(folder / "holdout.parquet", index=False)
    rest = usual[TRAIN_ROWS + HOLDOUT_ROWS :]
    many = round(LIVE_ROWS * SICKER_SHARE)
    chosen = np.concatenate([rest[: LIVE_ROWS - many], chance.permutation(np.flatnonzero(sicker))[:many]])
    rows = table.iloc[chance.permutation(chosen)].drop(columns="visited")
    live.write_text("".join(json.dumps(row) + "\n" for row in rows.to_dict(orient="records")))


def live_rows(folder: Path, live: Path) -> LiveRows:
    """The live rows that `write_data` wrote, and which of them are about people sicker than any in the training."""
    import pandas as pd

    sickest = pd.read_parquet(folder / "train.parquet")["disea"].astype(int).max()
    rows = [json.loads(line) for line in live.read_text().splitlines()]
    beyond = frozenset(place for place, row in enumerate(rows) if int(row["disea"]) > sickest)
    return LiveRows(len(rows), beyond)
