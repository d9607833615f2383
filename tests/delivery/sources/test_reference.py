"""The page on windlass.yaml says what the registry says."""

import re
from pathlib import Path

import pytest

from tools.reference import PAGES
from windlass.delivery.gates.lines import gate_check
from windlass.delivery.sources.parse import parse_service
from windlass.delivery.sources.registry import KEYS
from windlass.delivery.sources.types import ServiceSpec

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("where", sorted(PAGES))
def test_the_pages_are_up_to_date(where: str) -> None:
    """Each page is what the code makes of it now; `python -m tools.reference` renews it."""
    assert PAGES[where]() == (ROOT / where).read_text(encoding="utf-8")


def test_every_key_has_its_heading_or_stands_among_the_missing() -> None:
    """No key is known to the code and unknown to the page."""
    page = PAGES["docs/reference/file.md"]()
    for key in KEYS:
        heading = f"\n### {key.name.replace('<name>', '(any name)')}\n"
        assert (heading in page) != bool(key.not_yet), key.name
        assert (f"\n| `{key.name}` |" in page) == bool(key.not_yet), key.name


def test_the_sample_at_the_top_can_be_pasted() -> None:
    """The first sample is a service without complaints, and its gate lines are ones that the gates know."""
    found = re.search(r"```yaml\n(.*?)```", PAGES["docs/reference/file.md"](), re.DOTALL)
    assert found is not None
    assert isinstance(parse_service(found[1], "windlass.yaml", gate_check), ServiceSpec)
