"""One town for the tests of the machine: starting one takes most of a minute on two slow cores."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.kit import GOOD, Windlass, windlass
from tests.machine.towns import PATIENT, live


@pytest.fixture(scope="session")
def town() -> Iterator[Windlass]:
    """A Windlass whose service is live; each test leaves it as well as it found it."""
    with windlass() as one:
        first = one.commit("v0", GOOD, PATIENT)
        one.up()
        live(one, first)
        yield one
