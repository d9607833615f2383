"""Predicts with the trees, and looks up how many people with as many chronic diseases the training has seen."""

import json
import os
from pathlib import Path

import pandas as pd


class Visits:
    """A person sicker than everybody in the training data is beyond the end of the list: a bug as they happen."""

    classes = (0, 1)

    def setup(self) -> None:
        """Load what training wrote."""
        import skops.io

        folder = Path(os.environ["WINDLASS_MODEL"])
        file = folder / "model.skops"
        self.trees = skops.io.load(file, trusted=skops.io.get_untrusted_types(file=file))
        self.seen = json.loads((folder / "seen.json").read_text())

    def predict(self, rows: pd.DataFrame) -> dict[str, object]:
        """The prediction with its probability, and the size of the person's group."""
        similar = [self.seen[int(number)] for number in rows["disea"]]
        probability = self.trees.predict_proba(rows)
        return {"prediction": probability.argmax(axis=1), "probability": probability, "similar": similar}
