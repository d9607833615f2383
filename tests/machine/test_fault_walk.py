"""Every write, sync, rename, removal and connect of a real lifecycle fails once, and is the last thing once."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.kit import Windlass
from tests.machine.faults import town_walk
from tests.machine.faults.strace import EFFECTS, Fault, points, program
from tests.machine.towns import ALL

pytestmark = pytest.mark.machine

ROOT = Path(__file__).parents[2]
SAMPLES = {"store": 20, "site": 16, "control": 14, "job": 6}
MET_SHARE_MIN = 0.9  # calls are not the same in each life: threads and clocks differ
TOWN_SAMPLE = 3  # for each role, where not all are played
ALL_SECONDS_MAX = 6 * 3600.0  # some 1,600 points of lives, and a whole town for each of some hundred more


@pytest.mark.timeout(ALL_SECONDS_MAX if ALL else 300)
def test_a_fault_at_any_call_breaks_no_promise() -> None:
    """Killed at a call, or told that the disk failed or is full, the store of artifacts, the site agent, the control
    plane and a job lose nothing acknowledged, do nothing twice, show nothing half made, say what happened and go on."""
    program()
    wanted = {life: 0 if ALL else sample for life, sample in SAMPLES.items()}
    walks = {life: _walk(life, sample) for life, sample in wanted.items()}
    for life, walk in walks.items():
        told, errors = walk.communicate()
        assert walk.returncode in (0, 1), errors
        found = json.loads(told)
        folder = ROOT / "build" / "faults"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{life}.json").write_text(told)
        assert {} == found["wrong"], f"{life}: {json.dumps(found['wrong'], indent=1)}"
        assert found["points"] >= (wanted[life] or 100)
        assert all(found["met"].get(effect) for effect in EFFECTS), f"{life}: some faults met no call: {found['met']}"
        if ALL:
            assert sum(found["met"].values()) >= MET_SHARE_MIN * found["points"], f"{life}: {found['met']}"


def _walk(life: str, sample: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.machine.faults.walk", life, "--sample", str(sample)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.long
@pytest.mark.timeout(ALL_SECONDS_MAX if ALL else 300)
def test_a_fault_on_the_whole_town_is_got_over(town: Windlass) -> None:
    """The real agent of a site that starts cold and the real control plane that carries out a commit and an act are
    killed at a call or told that it failed: the service answers again, one gateway runs, no request fails for the sake
    of the control plane, and no fact is gone."""
    chance, wrong = random.Random(7), {}
    town_walk.without_supervisor(town)
    try:
        for fault in _drawn(town_walk.site_calls(town), chance):
            wrong[f"site: {fault}"] = town_walk.site_point(town, fault)
        for number, fault in enumerate(_drawn(town_walk.control_calls(town, 0), chance), 1):
            wrong[f"control: {fault}"] = town_walk.control_point(town, fault, number)
    finally:
        town.up()
    assert {} == {fault: found for fault, found in wrong.items() if found}


def _drawn(calls: dict[str, int], chance: random.Random) -> list[Fault]:
    """All faults; else one of each effect in turn, each at a call of another kind as long as there are any."""
    if ALL:
        return points(calls)
    kinds = chance.sample(sorted(calls), len(calls))
    chosen = [(kinds[number % len(kinds)], EFFECTS[number % len(EFFECTS)]) for number in range(TOWN_SAMPLE)]
    return [Fault(call, chance.randint(1, calls[call]), effect) for call, effect in chosen]
