"""The working example that `windlass init` writes: a service that says who will see a doctor, with its data.

It is small enough to read in a minute and deploys as it is. Its training never sees the holdout: the two tables hold
different people.
"""

from collections.abc import Mapping

TABLES = ("holdout.csv", "train.csv")  # package data in the folder starter beside this module

_SPEC = """\
service: {service}
train: python train.py
data: {{train: data/train.csv, holdout: data/holdout.csv, label: any_visit, positive: 1}}
gate:
  - roc_auc >= 0.62
  - roc_auc not worse than champion by 0.05
"""

_TRAIN = '''\
"""Learn who will see a doctor within a year.

Windlass sets WINDLASS_DATA_TRAIN to the file that windlass.yaml names under `data: train:`, and WINDLASS_OUTPUT to the
folder that must hold exactly one model afterwards. Without Windlass it works as well: python train.py
"""

import csv
import os
from pathlib import Path

import numpy as np
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

LABEL = "any_visit"


def main() -> None:
    """Read the table, learn, write the model."""
    with open(os.environ.get("WINDLASS_DATA_TRAIN", "data/train.csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in rows[0] if name != LABEL]
    features = np.array([[float(row[name]) for name in columns] for row in rows])
    labels = np.array([int(row[LABEL]) for row in rows])

    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(features, labels)
    print(f"learned from {len(rows)} rows of {len(columns)} columns")

    output = Path(os.environ.get("WINDLASS_OUTPUT", "model"))
    output.mkdir(parents=True, exist_ok=True)
    skops.io.dump(model, output / "model.skops")


if __name__ == "__main__":
    main()
'''

_README = """\
# {service}

Says whether a person will see a doctor within a year.

    git init && git add -A && git commit -m "First release"
    windlass up

Every commit is trained by `train.py` and judged by the lines under `gate:` in `windlass.yaml`; one that passes gets
traffic. Ask it:

    curl localhost:8080/predict/{service} -H 'content-type: application/json' -d '{{"lncoins": 0, "idp": 1,
      "lpi": 6.11, "fmde": 0, "physlm": 1, "disea": 13, "hlthg": 1, "hlthf": 0, "hlthp": 0}}'

Training and serving use the Python packages that Windlass runs with. With a `requirements.txt` beside `train.py` the
service gets an environment of its own, for example with the lines `scikit-learn==1.9.1` and `skops==0.16.0`.

## The data

The RAND Health Insurance Experiment, in the public domain, as the package statsmodels ships it (`randhie`): one year of
each of 2,712 kinds of people, rounded to two digits. `data/train.csv` and `data/holdout.csv` have no person in common.

| Column | Meaning |
|---|---|
| `lncoins` | log of the coinsurance rate in per cent, plus 1 |
| `idp` | 1 with an individual deductible plan |
| `lpi` | log of the yearly participation incentive |
| `fmde` | log of the maximum deductible, 0 with an individual deductible plan |
| `physlm` | 1 with a physical limitation |
| `disea` | number of chronic diseases |
| `hlthg`, `hlthf`, `hlthp` | 1 if the person calls their health good, fair, poor; all 0 if excellent |
| `any_visit` | the label: 1 if the person saw a doctor that year |
"""

_IGNORED = """\
model/
__pycache__/
.venv/
.windlass/
"""


def starter_files(service: str, tables: Mapping[str, str]) -> dict[str, str]:
    """The example as text by path.

    Args:
        service: the name of the new service.
        tables: the content of each of `TABLES`.
    """
    return {
        ".gitignore": _IGNORED,
        "README.md": _README.format(service=service),
        "windlass.yaml": _SPEC.format(service=service),
        "train.py": _TRAIN,
        **{f"data/{name}": tables[name] for name in TABLES},
    }
