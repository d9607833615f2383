"""Processes killed at random moments, and stopped and continued, under load."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.end_to_end.kit import GOOD, LOOK_SECONDS, Windlass, alive
from tests.machine.towns import ALL, LIVE_SECONDS_MAX, PATIENT, calling, eventually, history, live, members, weights
from windlass.kernel.errors import Unavailable
from windlass.sdk.client import Client

pytestmark = pytest.mark.machine

COMMITS = 40 if ALL else 2
KILLS = 4  # in the life of one commit
STOPPED_SECONDS = 60.0 if ALL else 5.0
GATEWAY_STOPPED_SECONDS = 10.0 if ALL else 5.0  # below the 15 s after which a gateway that stands still is replaced
SOAKING = PATIENT.replace("[50%, 100%]", "[20%, 50%, 100%]")
ROLES = ("control", "site", "replica", "job", "supervisor")


@pytest.mark.timeout(300)
def test_whoever_is_killed_comes_back(town: Windlass) -> None:
    """Control plane, site agent, a replica and the supervisor are killed in turn: no request fails, no fact is lost."""
    seen = history(town, 0)
    with calling(town) as callers:
        for role in ("control", "site", "replica", "supervisor"):
            _kill(town, role)
            callers.more(20)
        town.wait("all is well", lambda item: item["state"] == "live")
    assert [] == callers.failures(), town.logs()
    history(town, seen)


@pytest.mark.long
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


@pytest.mark.long
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


@pytest.mark.timeout(400)
def test_a_control_plane_that_stands_still_advances_no_canary(town: Windlass) -> None:
    """Stopped while a canary gets its first share: the share stays, callers of both releases are answered, and
    afterwards the rollout goes on from there to its end."""
    seen, control = history(town, 0), town.pids()["control"]
    with calling(town) as callers:
        commit = town.commit("stopped", GOOD, SOAKING)
        town.sync()
        eventually("a canary", lambda: len(weights(town)) == 2, LIVE_SECONDS_MAX)
        with _stopped(control):
            eventually("the plan that was under way", lambda: len(set(_weights_of(town, 1.0))) == 1)
            first, at = weights(town), len(callers.answers)
            assert len(first) == 2, first
            assert {first} == {*_weights_of(town, STOPPED_SECONDS)}
            assert 2 == len({answer.release for answer in callers.answers[at:]})
        live(town, commit)
    assert [] == callers.failures(), town.logs()
    assert town.pids()["control"] == control
    history(town, seen)


def _weights_of(town: Windlass, seconds: float) -> list[tuple[int, ...]]:
    """The shares that the site routes, looked at again and again for some time."""
    found, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        found.append(weights(town))
        time.sleep(LOOK_SECONDS)
    return found


@pytest.mark.long
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
            time.sleep(GATEWAY_STOPPED_SECONDS if role == "gateway" else STOPPED_SECONDS)
        callers.more()
    assert [] == callers.failures(), town.logs()
    town.wait("the control plane answers", lambda item: item["state"] == "live")
    if role == "gateway":
        assert [pid] == town.gateway(), "a short stop cost the gateway its life"


@pytest.mark.long
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
    if role == "site":
        eventually("the agent holds its replicas", lambda: _holds_replicas(one))


def _holds_replicas(one: Windlass) -> bool:
    """Whether the agent has taken over the sockets of its replicas: one that dies before refuses its callers."""
    try:
        services = Client(one.home.site_socket).get("status")["services"]
    except Unavailable:
        return False
    states = [replica["state"] for service in services for replica in service["replicas"]]
    return bool(states) and set(states) == {"ready"}


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_gateway_that_stands_still_is_replaced(town: Windlass) -> None:
    """A gateway that runs and answers nothing is noticed, ended and started again; then callers are answered."""
    (gateway,) = town.gateway()
    os.kill(gateway, signal.SIGSTOP)
    eventually("the end of the stopped one", lambda: not alive(gateway))
    with calling(town, 1) as callers:
        callers.more()
    (successor,) = town.gateway()
    assert successor != gateway


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
