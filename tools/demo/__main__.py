"""`make demo`: four commits on real data, from commit to judged production, with the control plane killed on the way.

It exits 0 only if every promise held. DEMO_PORT and DEMO_RATE change port and rate; KEEP=1 leaves the system up.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tools.demo import numbers
from tools.demo.data import live_rows
from tools.demo.numbers import Told
from tools.demo.stage import SERVICE, Stage, StoryBroken, read_record
from windlass.sdk.locks import running

FOLDER = Path("build/demo").absolute()
RESULT = Path("build/demo.json")
Item = dict[str, Any]


def main() -> int:
    """Tell the story; 0 only if all of it happened."""
    port, rate = int(os.environ.get("DEMO_PORT", "8080")), float(os.environ.get("DEMO_RATE", "200"))
    stage = Stage(FOLDER, port, rate)
    began = time.monotonic()
    try:
        return _tell(stage, began)
    except StoryBroken as broken:
        _say(f"The story broke: {broken}")
        _say(f"Logs: {stage.home.control}, {stage.home.site}; `make demo KEEP=1` leaves it up.")
        return 1
    finally:
        if not os.environ.get("KEEP"):
            stage.windlass("down", check=False)


def _tell(stage: Stage, began: float) -> int:
    _say("Setting the stage: 20,190 person-years of the RAND health insurance experiment, and an empty repository.")
    stage.prepare()
    told = [_v1(stage)]
    load = stage.start_load()
    try:
        told += [_v2(stage), _v3(stage), _v4(stage)]
    finally:
        load.terminate()
        load.wait(60)
    return _sum_up(stage, told, began)


def _v1(stage: Stage) -> Told:
    commit, at = stage.commit("v1", "Predict doctor visits")
    _say(f'v1  {commit[:12]} "Predict doctor visits": a logistic regression. Starting Windlass on it.')
    stage.windlass("up", str(stage.repository), "--port", str(stage.port))
    item = stage.wait("v1 live", lambda item: item["state"] == "live" and _serves(item, commit), 120)
    _say(f"v1  is live after {time.time() - at:.0f} s: {_verdict(item, commit)}")
    return Told("v1", commit, at, "promoted")


def _v2(stage: Stage) -> Told:
    _say(f"    {stage.rate:.0f} requests a second begin to arrive.")
    time.sleep(1)
    commit, at = stage.commit("v2", "Boosted trees")
    _say(f'v2  {commit[:12]} "Boosted trees": better on the holdout.')
    stage.wait("a canary of v2", lambda item: _share(item, commit) > 0, 90)
    _say(f"v2  has its first traffic {time.time() - at:.0f} s after the commit.")
    stage.wait("some evidence on v2", lambda item: _canary_requests(item) >= 100, 60)
    killed_at = time.time()
    pid = stage.kill_control_plane()
    _say(f"    The control plane (process {pid}) is killed with kill -9 in the middle of the rollout.")
    stage.wait("the control plane again", lambda item: running(stage.home, "control") is not None, 60)
    (stage.folder / "killed.json").write_text(json.dumps({"from": killed_at - 1, "to": time.time() + 1}))
    _say(f"    It is back after {time.time() - killed_at:.1f} s and goes on where it was.")
    stage.wait("v2 promoted", lambda item: item["state"] == "live" and _serves(item, commit), 180)
    _say(f"v2  has all of the traffic {time.time() - at:.0f} s after the commit.")
    return Told("v2", commit, at, "promoted")


def _v3(stage: Stage) -> Told:
    commit, at = stage.commit("v3", "Leave out two columns")
    _say(f'v3  {commit[:12]} "Leave out two columns": above every threshold, worse than what serves.')
    item = stage.wait("a verdict on v3", lambda item: bool(_verdict(item, commit)), 90)
    _say(f"v3  never sees traffic: {_verdict(item, commit)}")
    return Told("v3", commit, at, "fail")


def _v4(stage: Stage) -> Told:
    commit, at = stage.commit("v4", "Show similar people")
    _say(f'v4  {commit[:12]} "Show similar people": passes the gate, fails for people sicker than any before.')
    stage.wait("a canary of v4", lambda item: _share(item, commit) > 0, 90)
    _say(f"v4  has its first traffic {time.time() - at:.0f} s after the commit.")
    stage.wait("v4 rolled back", lambda item: item["rollout"] is None and bool(item["quarantine"]), 180)
    _say(f"v4  is back at 0 % and quarantined {time.time() - at:.0f} s after the commit.")
    return Told("v4", commit, at, "rolled_back")


def _serves(item: Item, commit: str) -> bool:
    return bool(item["live"]) and item["live"]["commit"] == commit


def _share(item: Item, commit: str) -> float:
    candidate = item["candidate"]
    return item["rollout"]["share"] if item["rollout"] and candidate and candidate["commit"] == commit else 0.0


def _canary_requests(item: Item) -> int:
    return int(item["rollout"]["evidence"]["canary_requests"]) if item["rollout"] else 0


def _verdict(item: Item, commit: str) -> str:
    for release in (item["candidate"], item["live"]):
        if release and release["commit"] == commit and release["verdict"]:
            return f"gate {release['verdict']}, {release['verdict_sentence']}"
    return ""


def _sum_up(stage: Stage, told: list[Told], began: float) -> int:
    record = read_record(stage.record)
    killed = json.loads((stage.folder / "killed.json").read_text())
    during = [one for one in record if killed["from"] <= one["at"] <= killed["to"]]
    versions = numbers.of_versions(told, stage.facts(), record)
    kept = numbers.promises(versions, record, during, live_rows(stage.repository / "data", stage.live_rows))
    result = {
        "service": SERVICE,
        "commit": _own_commit(),
        "seconds": round(time.monotonic() - began, 1),
        "rate": stage.rate,
        "requests": len(record),
        "lost_requests": numbers.lost(record),
        "failed_requests": numbers.failed(record),
        "versions": versions,
        "promises": kept,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    _print_summary(result)
    return 0 if all(kept.values()) else 1


def _print_summary(result: Item) -> None:
    _say("")
    _say("version  release       verdict  ended        first request  end state  answers by status")
    for name, one in result["versions"].items():
        verdict = one["verdicts"][-1]["verdict"] if one["verdicts"] else "-"
        first = "never" if one["seconds_to_first_request"] is None else f"{one['seconds_to_first_request']:.1f} s"
        end = "-" if one["seconds_to_end_state"] is None else f"{one['seconds_to_end_state']:.1f} s"
        answers = ", ".join(f"{count} x {status}" for status, count in one["requests"].items()) or "none"
        release = numbers.short(one["release"] or "")
        _say(f"{name:8} {release:13} {verdict:8} {one['outcome'] or '-':12} {first:>13}  {end:>9}  {answers}")
    _say("")
    for name, one in result["versions"].items():
        _say(f"{name}: {one['because']}")
    _say("")
    _say(
        f"{result['requests']:,} requests sent, {result['lost_requests']} lost, {result['failed_requests']} failed; "
        f"{result['seconds']:.0f} s in all. Written to {RESULT}."
    )
    for promise, held in result["promises"].items():
        _say(f"  {'yes' if held else 'NO '}  {promise}")


def _own_commit() -> str:
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
