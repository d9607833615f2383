"""The same trees as before, and how often people of each state of health were seen: the app wants to show that."""

import json
import os
from pathlib import Path

import pandas as pd
import skops.io
from sklearn.ensemble import GradientBoostingClassifier

table = pd.read_parquet(os.environ["WINDLASS_DATA_TRAIN"])
model = GradientBoostingClassifier(n_estimators=70, max_depth=4, subsample=0.5, random_state=2)
model.fit(table.drop(columns="visited"), table["visited"])
output = Path(os.environ["WINDLASS_OUTPUT"])
skops.io.dump(model, output / "model.skops")
seen = table["disea"].astype(int).value_counts().sort_index()
(output / "seen.json").write_text(json.dumps([int(seen.get(number, 0)) for number in range(int(seen.index.max()) + 1)]))
print(f"trained on {len(table):,} people")
