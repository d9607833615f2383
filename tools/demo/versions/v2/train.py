"""A better model: boosted trees see that the price of a visit matters differently to different people."""

import os

import pandas as pd
import skops.io
from sklearn.ensemble import GradientBoostingClassifier

table = pd.read_parquet(os.environ["WINDLASS_DATA_TRAIN"])
model = GradientBoostingClassifier(n_estimators=60, max_depth=4, subsample=0.5, random_state=1)
model.fit(table.drop(columns="visited"), table["visited"])
skops.io.dump(model, os.path.join(os.environ["WINDLASS_OUTPUT"], "model.skops"))
print(f"trained on {len(table):,} people")
