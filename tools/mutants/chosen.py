"""A plugin of pytest that runs chosen tests in a chosen order, each with a time limit of its own.

    pytest -p tools.mutants.chosen --chosen FILE

The file maps the name of each test to its limit in seconds. One that takes longer fails.
"""

import json
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the choice stands."""
    parser.addoption("--chosen", type=Path, required=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the chosen tests, in their order."""
    limits: dict[str, float] = json.loads(config.getoption("--chosen").read_text())
    order = {name: number for number, name in enumerate(limits)}
    items[:] = sorted((one for one in items if one.nodeid in order), key=lambda one: order[one.nodeid])
    for one in items:
        one.add_marker(pytest.mark.timeout(limits[one.nodeid]), append=False)
