"""Count how often the people of each group see a doctor, and write the rates as JSON."""

import csv
import json
import os
from collections import Counter
from pathlib import Path

from groups import group_of

PRIOR_ROWS = 20  # a small group's rate is drawn to the rate of all, as if it had this many more rows


def main() -> None:
    """Read the table, count, write the rates."""
    with open(os.environ.get("WINDLASS_DATA_TRAIN", "data/train.csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    people = Counter(group_of(row) for row in rows)
    visitors = Counter(group_of(row) for row in rows if row["any_visit"] == "1")
    overall = visitors.total() / len(rows)
    rates = {
        group: (visitors[group] + PRIOR_ROWS * overall) / (count + PRIOR_ROWS)
        for group, count in sorted(people.items())
    }
    output = Path(os.environ.get("WINDLASS_OUTPUT", "model"))
    output.mkdir(parents=True, exist_ok=True)
    (output / "rates.json").write_text(json.dumps({"overall": overall, "rates": rates}), encoding="utf-8")
    print(f"counted {len(rows)} people in {len(rates)} groups")


if __name__ == "__main__":
    main()
