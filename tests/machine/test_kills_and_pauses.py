"""Processes killed at random moments, and stopped and continued, under load."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.end_to_end.kit import GOOD, Windlass, alive
from tests.machine.towns import PATIENT, calling, eventually, history, live, members

pytestmark = [pytest.mark.machine, pytest.mark.long]

ALL = os.environ.get("WINDLASS_WALK") == "all"
COMMITS = 40 if ALL else 2
KILLS = 4  # in the life of one commit
STOPPED_SECONDS = 4.0  # longer than any pause of a healthy process, shorter than what callers bear
ROLES = ("control", "site", "replica", "job", "supervisor")


@pytest.mark.timeout(6000 if ALL else 400)
def test_kills_at_random_moments_cost_nothing(town: Windlass) -> None:
    """Each process but the gateway is killed again and again while commits are built, judged and rolled out: no request
    fails, no fact is lost, nothing happens twice, and every commit goes live."""
    chance, seen = random.Random(2026), 0
    order = [*ROLES, *chance.choices(ROLES, k=KILLS * COMMITS)]
    with calling(town) as callers:
        for number in range(COMMITS):
            commit = town.commit(f"v{number + 1}", GOOD, PATIENT)
            town.sync()
            for role in order[number * KILLS : (number + 1) * KILLS]:
                time.sleep(chance.uniform(0.0, 1.5))
                _kill(town, role)
                callers.more(20)
            live(town, commit)
            seen = history(town, seen)
        assert [] == callers.failures(), town.logs()


@pytest.mark.timeout(120)
def test_a_killed_gateway_is_back_again_and_again(town: Windlass) -> None:
    """However often the gateway is killed, one gateway answers soon after, on the same port."""
    for _ in range(10 if ALL else 3):
        (gateway,) = town.gateway()
        os.kill(gateway, signal.SIGKILL)
        eventually("the gateway's end", lambda pid=gateway: not alive(pid))  # type: ignore[misc]
        with calling(town, 1, pause=0.1) as callers:
            callers.more(10)
        assert town.gateway() == list(members("envoy", str(town.home.site)))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("role", ["control", "supervisor", "site", "gateway"])
def test_a_stopped_process_disturbs_no_caller(town: Windlass, role: str) -> None:
    """While one of our processes stands still callers are answered, by the gateway as soon as it goes on; then the
    process takes part again as if nothing had been."""
    pid = town.gateway()[0] if role == "gateway" else town.pids()[role]
    with calling(town) as callers:
        callers.more(10)
        with _stopped(pid):
            if role != "gateway":
                callers.more()
            time.sleep(STOPPED_SECONDS / 16)
        callers.more()
    assert [] == callers.failures(), town.logs()
    town.wait("the control plane answers", lambda item: item["state"] == "live")


@pytest.mark.timeout(240)
def test_a_stopped_replica_is_replaced(town: Windlass) -> None:
    """A replica that stands still is noticed, ended and replaced, although it runs and its socket takes connections."""
    replicas = town.replicas()
    with calling(town) as callers:
        callers.more(10)
        for pid in replicas:
            os.kill(pid, signal.SIGSTOP)
        eventually("a successor", lambda: town.replicas() and not set(replicas) & set(town.replicas()))
        eventually("the end of the stopped one", lambda: not any(alive(pid) for pid in replicas))
        callers.more()


def _kill(one: Windlass, role: str) -> None:
    """Kill -9, and see that somebody does its work again."""
    if role == "job":
        for pid in members("windlass.main", " job ", str(one.home.folder)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    elif role == "replica":
        old = one.replicas()
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        eventually("a successor", lambda: one.replicas() and not set(old) & set(one.replicas()))
    elif role == "supervisor":
        one.kill(role)
        one.up()
    else:
        one.back(role, one.kill(role))


@pytest.mark.timeout(240)
def test_a_gateway_that_stands_still_is_replaced(town: Windlass) -> None:
    """A gateway that runs and answers nothing is noticed, ended and started again; then callers are answered."""
    (gateway,) = town.gateway()
    os.kill(gateway, signal.SIGSTOP)
    eventually("the end of the stopped one", lambda: not alive(gateway))
    with calling(town, 1) as callers:
        callers.more()


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
