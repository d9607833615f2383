"""From a commit to an answer, forward and back, with everything real."""

import os

import pytest

from tests.end_to_end.kit import BAD, GOOD, SERVICE, Load, alive, windlass


@pytest.mark.timeout(480)
def test_from_commit_to_judged_production_and_back() -> None:
    """A first commit goes live, a better one is promoted, a harmful one goes back by itself, a person goes back
    further; no healthy release fails a request, and `down` leaves nothing behind."""
    with windlass() as one:
        first = one.commit("v1", GOOD)
        one.up()
        v1 = one.live(first)["live"]["release"]
        load = Load(one.port)
        load.start()

        second = one.commit("v2", GOOD)
        one.sync()
        v2 = one.live(second)["live"]["release"]
        assert {} == load.failed, load.problems

        one.commit("v3", BAD)
        one.sync()
        item = one.wait("v3 rolled back", lambda item: bool(item["quarantine"]) and item["rollout"] is None)
        assert v2 == item["live"]["release"]
        v3 = item["quarantine"][0]["release"]
        assert {500} == set(load.failed), load.problems

        refused = one.run("promote", SERVICE, v3[7:19], "--reason", "try")
        assert 13 == refused.returncode, refused.stderr
        done = one.run("rollback", SERVICE, "--reason", "drill")
        assert 0 == done.returncode, done.stderr
        back = one.wait("v1 again", lambda item: bool(item["live"]) and item["live"]["release"] == v1)
        assert {v2, v3} == {entry["release"] for entry in back["quarantine"]}
        assert "frozen" == back["state"]
        before = load.answered
        one.wait("more answers", lambda item: load.answered > before + 50)
        load.stop()
        assert {v3[7:19]} == set(load.failures), load.problems
        assert {v1[7:19], v2[7:19], v3[7:19]} == set(load.releases) - {""}

        why = one.run("why", SERVICE)
        assert "harm shown" in why.stdout
        assert "drill" in why.stdout

        pids = [*one.pids().values(), *one.gateway(), *one.replicas()]
        assert len(pids) >= 5
        priorities = {os.getpriority(os.PRIO_PROCESS, pid) for pid in (os.getpid(), *one.replicas())}
        assert 1 == len(priorities), "callers wait behind builds"
        assert 0 == one.run("down").returncode
        assert [] == [pid for pid in pids if alive(pid)]


@pytest.mark.timeout(240)
def test_a_file_that_is_wrong_changes_nothing() -> None:
    """A commit whose file is refused is named with its place, and what runs keeps running."""
    with windlass() as one:
        first = one.commit("v1", GOOD)
        one.up()
        one.live(first)
        broken = one.commit("broken", GOOD, "service: weather\nmodle: rain:Rain\n")
        one.sync()
        item = one.wait("the complaint", lambda item: bool(item["refused"]))
        assert broken == item["refused_commit"]
        assert any("windlass.yaml:2:1" in words and "model" in words for words in item["refused"])
        assert first == item["live"]["commit"]
