"""The page on the command line says what the commands say."""

import json
from pathlib import Path

from tests.doors.conftest import Type
from tools.reference_cli import WHERE, cli_page
from windlass.cli.app import VERBS

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    """The page is what the commands make of it now; `python -m tools.reference_cli` renews it."""
    assert cli_page() == (ROOT / WHERE).read_text(encoding="utf-8")


def test_every_verb_has_its_heading() -> None:
    """No verb is missing, and none that is gone is left."""
    headings = [line.removeprefix("### windlass ") for line in cli_page().splitlines() if line.startswith("### ")]
    assert list(VERBS) == headings


def test_the_schema_is_json(typed: Type) -> None:
    """`windlass schema` prints one JSON Schema, whatever the output is asked to be."""
    assert json.loads(typed("schema").out) == json.loads(typed("schema -o json").out)
    assert "properties" in json.loads(typed("schema").out)
