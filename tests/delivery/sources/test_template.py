"""What `windlass init` writes is a service that Windlass takes as it is, and whose holdout stays unseen."""

import csv
import io
from importlib import resources

from tests.delivery.sources.trees import only, reading
from windlass.delivery.gates.lines import gate_check
from windlass.delivery.sources.template import TABLES, starter_files

FOLDER = resources.files("windlass.delivery.sources") / "starter"
FILES = starter_files("doctor-visits", {name: (FOLDER / name).read_text(encoding="utf-8") for name in TABLES})


def rows_of(path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(FILES[path])))


def test_the_starter_is_a_service_as_it_is() -> None:
    """Its file has at most six lines and no complaint, its gate lines are ones that the gates know."""
    found = only(reading(FILES, check=gate_check))
    assert ("doctor-visits", "python train.py") == (found.name, found.spec.train)
    assert len(FILES["windlass.yaml"].splitlines()) <= 6
    assert {"data/train.csv", "data/holdout.csv"} < set(FILES)


def test_the_tables_have_no_row_in_common() -> None:
    """No row is in both tables, none is twice in one, and both have the label in two values."""
    train, holdout = (rows_of(f"data/{name}") for name in ("train.csv", "holdout.csv"))
    keys = [tuple(value for name, value in row.items() if name != "any_visit") for row in train + holdout]
    assert len(set(keys)) == len(keys)
    assert min(len(train), len(holdout)) > 1_000
    for rows in (train, holdout):
        assert {"0", "1"} == {row["any_visit"] for row in rows}


def test_the_training_script_knows_nothing_of_the_holdout() -> None:
    """The script names neither the file nor the folder's other table."""
    assert "holdout" not in FILES["train.py"]
    compile(FILES["train.py"], "train.py", "exec")


def test_every_column_is_explained() -> None:
    """The page beside the data says what each column means and where the data come from."""
    for name in rows_of("data/train.csv")[0]:
        assert f"`{name}`" in FILES["README.md"]
    assert "RAND Health Insurance Experiment" in FILES["README.md"]


def test_the_name_is_that_of_the_new_service() -> None:
    """The chosen name stands in the file, in the page's title and in its URL."""
    files = starter_files("fraud", dict.fromkeys(TABLES, ""))
    assert files["windlass.yaml"].startswith("service: fraud\n")
    assert files["README.md"].startswith("# fraud\n")
    assert "localhost:8080/predict/fraud " in files["README.md"]
