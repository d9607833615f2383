"""Answers rows with the rates that training counted."""

import json
from pathlib import Path

from groups import group_of


class Predictor:
    """Windlass calls `setup` once with the folder of what training wrote, then `predict` for each request."""

    classes = (0, 1)  # the columns of "probability"

    def setup(self, model: Path) -> None:
        """Read the rates; `model` is the folder that holds what training wrote."""
        learned = json.loads((model / "rates.json").read_text(encoding="utf-8"))
        self.overall: float = learned["overall"]
        self.rates: dict[str, float] = learned["rates"]

    def predict(self, rows: list[dict[str, object]]) -> dict[str, list[object]]:
        """The prediction and both probabilities of each row; a group that training never met has the rate of all."""
        rates = [self.rates.get(group_of(row), self.overall) for row in rows]
        return {
            "prediction": [int(rate >= 0.5) for rate in rates],
            "probability": [[1 - rate, rate] for rate in rates],
        }
