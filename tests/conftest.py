"""What every test stands on: how Hypothesis searches, and what begins first."""

import signal

import pytest
from hypothesis import HealthCheck, settings

# A shell that starts the tests in the background lets them ignore SIGINT, and every process that they start would too.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow machine is no failure of the code under test, so no example is timed.
settings.register_profile("searching", deadline=None)
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("searching")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long stories of whole processes begin first, so that the short tests fill their waits."""
    items.sort(key=lambda item: "end_to_end" not in item.path.parts)
