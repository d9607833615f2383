"""A first model: a logistic regression on everything that is known about a person."""

import os

import pandas as pd
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

table = pd.read_parquet(os.environ["WINDLASS_DATA_TRAIN"])
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
model.fit(table.drop(columns="visited"), table["visited"])
skops.io.dump(model, os.path.join(os.environ["WINDLASS_OUTPUT"], "model.skops"))
print(f"trained on {len(table):,} people")
