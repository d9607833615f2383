"""Disks that are full and machines without a network, each in namespaces of its own."""

import pytest

from tests.machine.spaces import told

pytestmark = [pytest.mark.machine, pytest.mark.timeout(300)]


def test_a_full_disk_of_the_control_plane_loses_nothing() -> None:
    """Acts are refused in clear words, callers notice nothing, and everything works again once there is room."""
    told("control_disk_full", "--mount")


@pytest.mark.long
def test_a_full_disk_of_the_site_stops_no_rollback() -> None:
    """With the control plane dead too a person can go back, and the act becomes a fact later."""
    told("site_disk_full", "--mount")


@pytest.mark.long
def test_a_machine_without_a_network_delivers() -> None:
    """Everything but the loopback interface is gone, and a commit is built, judged, rolled out and taken back."""
    told("no_network", "--net")
