"""What `plan` says about a working copy: pure, from a spec and what is known."""

from pathlib import Path
from typing import Any

import pytest

from windlass.cli.forecast import Known, expected_seconds, forecast
from windlass.delivery.rollouts.pace import requests_needed
from windlass.delivery.sources.types import FoundService, GateLine, LimitSpec, RolloutSpec, ServiceSpec
from windlass.kernel.quantities import share
from windlass.kernel.records import to_json
from windlass.planner.diff import policy_in_words
from windlass.testing.tables import Row, read_table

SPEC = ServiceSpec("fraud", train="python train.py", gate=(GateLine("roc_auc >= 0.70"),))
FOUND = FoundService("fraud", "", "windlass.yaml", SPEC, "blake3:policy", "blake3:key")


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("rates.txt")), ids=str)
def test_expected_times(row: Row) -> None:
    """Every row of rates.txt is how many requests are needed, and how long that takes at a rate."""
    line = row["limits"]
    limit = LimitSpec(line, "errors", 0.0, share(line.rpartition(" ")[2]))
    steps = tuple(share(step) for step in row["steps"].split())
    spec = ServiceSpec("x", rollout=RolloutSpec(limits=(limit,), soak_seconds=float(row["soak"]), steps=steps))
    needed, seconds = requests_needed(spec.rollout.limits), expected_seconds(spec, float(row["rate"]))
    assert (int(row["needed"]), int(row["seconds"])) == (needed, round(seconds))


def known(*facts: tuple[str, dict[str, Any]], **item: Any) -> Known:
    """What a control plane might know."""
    return Known({"spec": to_json(SPEC)} | item, tuple({"kind": kind, "body": body} for kind, body in facts))


MADE = ("ReleaseMade", {"build_key": "blake3:key", "release": "blake3:" + "a" * 64})
STARTED = ("BuildStarted", {"build_key": "blake3:key", "commit": "b" * 40})
OTHER = ("ReleaseMade", {"build_key": "blake3:other", "release": "blake3:" + "c" * 64})
HELD = [{"build_key": "blake3:key", "release": "blake3:" + "a" * 64, "because": "harm shown"}]


@pytest.mark.parametrize(
    ("state", "running", "needed", "words", "changed"),
    [
        (None, False, None, "the control plane does not run here", None),
        (None, True, True, "the service is new", True),
        (known(OTHER), True, True, "differ from every release so far", True),
        (known(MADE), True, False, "reused: the same content is release aaaaaaaaaaaa", False),
        (known(STARTED), True, True, "begun for commit bbbbbbbbbbbb", True),
        (known(MADE, quarantine=HELD), True, False, "quarantined: harm shown; `windlass retry aaaaaaaaaaaa`", False),
    ],
)
def test_whether_it_is_built(
    state: Known | None, running: bool, needed: bool | None, words: str, changed: bool | None
) -> None:
    """A build is needed for content that no release has; unknown stays unknown where nothing runs."""
    made = forecast(FOUND, state, running, None)
    assert (needed, changed) == (made["build"]["needed"], made["changed"])
    assert words in made["build"]["because"]


def test_few_requests_make_a_larger_first_step() -> None:
    """The plan takes the rate that was seen, or that was asked for, and says why the first step is half."""
    seen = known(MADE, live={"release": "blake3:1"}, requests_per_second=0.1)
    made = forecast(FOUND, seen, True, None)["rollout"]
    assert ([0.5, 1.0], 0.1, 11100) == (made["shares"], made["rate_per_second"], made["expected_seconds"])
    assert "a first step of 5% would take 31 h at 6 requests/min, so it is 50%" == made["because"]
    asked = forecast(FOUND, seen, True, 20.0)["rollout"]
    assert (4, None, 20.0) == (len(asked["shares"]), asked["because"], asked["rate_per_second"])
    silent = forecast(FOUND, known(MADE, requests_per_second=0.0), True, None)["rollout"]
    assert (None, "a first step of 5% would never end at no request, so it is 50%") == (
        silent["expected_seconds"],
        silent["because"],
    )
    assert None is forecast(FOUND, None, True, None)["rollout"]["because"]


def test_policy_is_in_force_without_a_build() -> None:
    """A changed step or gate line is a change, named, though nothing is built."""
    looser = ServiceSpec("fraud", train="python train.py", gate=(GateLine("roc_auc >= 0.65"),), timeout_seconds=2.0)
    found = FoundService("fraud", "", "windlass.yaml", looser, "blake3:p2", "blake3:key")
    made = forecast(found, known(MADE), True, 10.0)
    assert (True, False) == (made["changed"], made["build"]["needed"])
    assert ["gate loosened: roc_auc >= 0.70 -> roc_auc >= 0.65", "timeout_seconds: 10.0 -> 2.0"] == made["changes"]
    assert [] == policy_in_words(to_json(SPEC), SPEC) == policy_in_words(None, SPEC)


def test_the_ledger_is_shown() -> None:
    """The plan says how often the held-out rows were asked, and the margin that they can still show."""
    verdicts = [
        ("VerdictGiven", {"query": 3, "checks": [{"margin_visible": 0.02}]}),
        ("VerdictGiven", {"query": 0, "checks": [{"margin_visible": None}, {"margin_visible": 0.01}]}),
    ]
    gate = forecast(FOUND, known(*verdicts, live={"release": "blake3:1"}), True, None)["gate"]
    assert (3, 17, 0.01, "blake3:1") == (
        gate["queries_used"],
        gate["queries_left"],
        gate["margin_visible"],
        gate["champion"],
    )
