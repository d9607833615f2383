"""Static stability: a site that is left alone serves on, and starts again from its own disk."""

import os
import signal

import pytest

from tests.end_to_end.kit import Windlass
from tests.machine import stability
from tests.machine.towns import calling, eventually, history

pytestmark = [pytest.mark.machine, pytest.mark.long, pytest.mark.timeout(300)]

ALONE_SECONDS = 20.0  # `make bench-stability` measures ten minutes


def test_a_site_left_alone_fails_nobody(town: Windlass) -> None:
    """With the control plane, its database and the repository gone no prediction fails; when they are back they go on
    where they were."""
    seen = history(town, 0)
    alone = stability.left_alone(town, ALONE_SECONDS)
    assert 0 == alone.failed, town.logs()
    assert alone.requests > 50
    town.wait("the control plane is back", lambda item: item["state"] == "live")
    history(town, seen)


def test_a_site_left_alone_replaces_what_crashes(town: Windlass) -> None:
    """A replica that is killed while nobody else is there comes back, and its callers wait for it."""
    with calling(town) as callers:
        callers.more(10)
        with stability.headless(town):
            old = town.replicas()
            for pid in old:
                os.kill(pid, signal.SIGKILL)
            eventually("a successor", lambda: town.replicas() and not set(old) & set(town.replicas()))
            callers.more(20)
    assert [] == callers.failures(), town.logs()


def test_a_site_starts_cold_from_its_own_disk(town: Windlass) -> None:
    """With everything killed and nothing but the site's folder and its releases left, the agent alone brings the
    service back; afterwards the rest joins in."""
    item = town.wait("a live release", lambda item: bool(item["live"]))
    assert stability.cold_seconds(town) > 0
    again = town.wait("the control plane is back", lambda item: item["state"] == "live")
    assert item["live"]["release"] == again["live"]["release"]
    with calling(town) as callers:
        callers.more()
    assert [] == callers.failures(), town.logs()
