"""Kill -9 of every process, and of the control plane at every step of the loop."""

import os
import signal
import time

import pytest

from tests.end_to_end.kit import GOOD, SERVICE, Load, Windlass, windlass


@pytest.mark.timeout(480)
def test_every_process_may_be_killed_under_load() -> None:
    """Supervisor, control plane, site agent and replicas are killed one after the other; no request notices, and each
    is back afterwards."""
    with windlass() as one:
        first = one.commit("v1", GOOD)
        one.up()
        one.live(first)
        load = Load(one.port)
        load.start()
        for role in ("control", "site"):
            one.back(role, one.kill(role))
        one.wait("the control plane answers", lambda item: item["state"] == "live")
        replicas = one.replicas()
        assert replicas
        for pid in replicas:
            os.kill(pid, signal.SIGKILL)
        _goes_on(one, load)
        assert {} == load.failed, load.problems
        assert not set(replicas) & set(one.replicas())
        one.kill("supervisor")
        control = one.pids()["control"]
        one.up()
        assert control == one.pids()["control"]
        _goes_on(one, load)
        load.stop()
        assert {} == load.failed, load.problems


def _goes_on(one: Windlass, load: Load) -> None:
    before = load.answered
    one.wait("more answers", lambda item: load.answered > before + 50)


@pytest.mark.timeout(240)
def test_a_killed_gateway_is_back_at_once() -> None:
    """A killed gateway costs what it held; new connections work soon after, on the same port."""
    with windlass() as one:
        first = one.commit("v1", GOOD)
        one.up()
        one.live(first)
        (gateway,) = one.gateway()
        os.kill(gateway, signal.SIGKILL)
        load = Load(one.port, pause=0.1)
        load.start(1)
        deadline = time.monotonic() + 30
        while load.statuses[200] < 20 and time.monotonic() < deadline:
            time.sleep(0.05)
        load.stop()
        assert load.statuses[200] >= 20, load.problems


MOMENTS = {
    "the commit is seen": lambda item: True,
    "it builds": lambda item: item["state"] == "building",
    "it is built": lambda item: bool(item["candidate"]),
    "it is judged": lambda item: item["state"] == "judging",
    "the rollout begins": lambda item: bool(item["rollout"]),
    "half of the traffic": lambda item: bool(item["rollout"]) and item["rollout"]["share"] >= 0.5,
    "the evidence grows": lambda item: bool(item["rollout"]) and item["rollout"]["evidence"]["canary_requests"] >= 50,
}


@pytest.mark.timeout(600)
def test_the_control_plane_may_be_killed_at_every_step() -> None:
    """Killed when a commit is seen, built, judged and rolled out, the control plane comes back and goes on: every
    commit is built once, no step is taken twice, no fact is lost, no request fails."""
    with windlass() as one:
        first = one.commit("v1", GOOD)
        one.up()
        one.live(first)
        load = Load(one.port)
        load.start()
        second = one.commit("v2", GOOD)
        one.sync()
        seen = 0
        for moment, true in MOMENTS.items():
            one.wait(moment, lambda item, true=true: true(item) or _is_live(item, second))  # type: ignore[misc]
            facts = one.facts()
            assert [fact["number"] for fact in facts] == sorted({fact["number"] for fact in facts})
            assert len(facts) >= seen, "an acknowledged fact is gone"
            seen = len(facts)
            one.back("control", one.kill("control"))
        one.live(second)
        load.stop()
        assert {} == load.failed, load.problems
        facts = [fact for fact in one.facts() if fact["number"] > 0]
        built = [fact for fact in facts if fact["kind"] == "ReleaseMade" and fact["body"]["commit"] == second]
        assert 1 == len(built)
        steps = [fact["body"]["step_id"] for fact in facts if fact["kind"] == "StepTaken"]
        assert len(steps) == len(set(steps))


def _is_live(item: dict[str, object], commit: str) -> bool:
    live = item["live"]
    return isinstance(live, dict) and live["commit"] == commit


@pytest.mark.timeout(300)
def test_a_person_can_go_back_with_the_control_plane_dead() -> None:
    """With supervisor and control plane killed, `rollback` acts at the site, and becomes a fact when they are back."""
    with windlass() as one:
        first = one.commit("v1", GOOD)
        one.up()
        v1 = one.live(first)["live"]["release"]
        load = Load(one.port)
        load.start()
        second = one.commit("v2", GOOD)
        one.sync()
        v2 = one.live(second)["live"]["release"]
        one.kill("supervisor")
        one.kill("control")
        done = one.run("rollback", SERVICE, "--reason", "night")
        assert 0 == done.returncode, done.stderr
        load.releases.clear()
        deadline = time.monotonic() + 60
        while load.releases[v1[7:19]] < 50 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert load.releases[v1[7:19]] >= 50, load.releases
        one.up()
        item = one.wait("the act as a fact", lambda item: bool(item["live"]) and item["live"]["release"] == v1)
        assert [v2] == [entry["release"] for entry in item["quarantine"]]
        assert "night" in item["frozen"]["reason"]
        load.stop()
        assert {} == load.failed, load.problems
