"""`make bench-delivery`: one commit of the demo, from Git to all of the traffic, under load.

The stage is the demo's: real data, real training, the real gateway, 200 requests a second. The champion serves already;
the environment is cached. BENCH_PORT changes the port.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.report import Row, publish
from tools.demo import numbers
from tools.demo.numbers import Told
from tools.demo.stage import Stage, read_record

FOLDER = Path("build/bench-delivery").absolute()
SETTLE_SECONDS = 10.0  # the champion answers some requests first, so that latency edges are known


def main() -> int:
    """Measure and publish; 0 where every goal was met."""
    stage = Stage(FOLDER, int(os.environ.get("BENCH_PORT", "8095")), 200.0)
    try:
        versions, record = _measure(stage)
    finally:
        stage.windlass("down", check=False)
    v2 = versions["v2"]
    training = _training_alone(stage)
    first, end = float(v2["seconds_to_first_request"]), float(v2["seconds_to_end_state"])
    lost, failed = numbers.lost(record), numbers.failed(record)
    goal = 15.0 + training
    rows = [
        Row("train", "the training in this run, beside the load", float(v2["seconds_of_training"]), "s"),
        Row("alone", "the same script by hand, nothing beside it", training, "s"),
        Row("build", "building: environment, training, signature, sample rows", float(v2["seconds_of_build"]), "s"),
        Row("first", "commit to first canary request", first, "s", f"<= {goal:.1f} s", met=first <= goal),
        Row("all", "commit to all of the traffic, absolute limits", end, "s", "<= 120 s", met=end <= 120.0),
        Row("lost", f"requests lost, of {len(record):,}", lost, "", "0", met=lost == 0),
        Row("failed", f"requests failed, of {len(record):,}", failed, "", "0", met=failed == 0),
    ]
    return publish("delivery", rows)


def _training_alone(stage: Stage) -> float:
    """Seconds that the same script takes by hand."""
    data = {"WINDLASS_DATA_TRAIN": str(stage.repository / "data" / "train.parquet")}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as output:
        subprocess.run(
            [sys.executable, "train.py"],
            cwd=stage.repository,
            env={**os.environ, **data, "WINDLASS_OUTPUT": output},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    return time.monotonic() - began


def _measure(stage: Stage) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    stage.prepare()
    first, first_at = stage.commit("v1", "the champion")
    stage.windlass("up", str(stage.repository), "--port", str(stage.port))
    stage.wait("v1 live", lambda item: item["state"] == "live" and item["live"]["commit"] == first, 180)
    load = stage.start_load()
    try:
        time.sleep(SETTLE_SECONDS)
        second, second_at = stage.commit("v2", "a better one")
        stage.wait("v2 live", lambda item: item["state"] == "live" and item["live"]["commit"] == second, 300)
    finally:
        load.terminate()
        load.wait(60)
    record = read_record(stage.record)
    told = [Told("v1", first, first_at, "promoted"), Told("v2", second, second_at, "promoted")]
    return numbers.of_versions(told, stage.facts(), record), record


if __name__ == "__main__":
    sys.exit(main())
