"""What `why` answers about a service, one of its stages, and a release."""

import json
from typing import Any

from tests.doors.conftest import Type
from tests.doors.town import LIVE, ROLLING, Town
from windlass.cli.talk import Paint
from windlass.cli.text.why import why_lines
from windlass.delivery.gates.types import check_json
from windlass.delivery.gates.zero import label_check, signature_check

SENT_BACK = (*LIVE, "traffic 200/s", "tick 20s", 'commit "v2" bad=50%', "tick 60s", 'commit "v3"', "tick until live")


def answer(typed: Type, name: str) -> dict[str, Any]:
    """The answer of `why` as data."""
    found: dict[str, Any] = json.loads(typed(f"why {name} -o json").out)
    return found


def release_of(made: Town, subject: str) -> str:
    """The digest of a commit's release, cut as people see it."""
    return made.world.scripts.named(subject).release.partition(":")[2][:12]


def test_a_release_is_explained_alone(typed: Type, made: Town) -> None:
    """`why <digest>` tells the commit, the build, the verdict, the rollout and the fate of that release, and nothing
    of another one."""
    made.play(*SENT_BACK)
    made.open()
    asked = typed(f"why {release_of(made, 'v2')}")
    told = made.session.named(asked.out)
    assert told.startswith("doctor-visits  releases/v2  quarantined\n  harm shown after ")
    for words in ('commit  v2 "v2"', "gate pass for v2", "building commit v2", "rollout r", "release v2 rolled back"):
        assert words in told
    assert "v1" not in told and "v3" not in told
    assert asked.out == typed(f"why releases/{release_of(made, 'v2')}").out
    assert "v2" == answer(typed, f"releases/{release_of(made, 'v2')}")["release"]["subject"]


def test_a_release_knows_whether_it_serves(typed: Type, made: Town) -> None:
    """The live release says so; one that was live before names who serves now; one on its way says what is awaited."""
    made.play(*SENT_BACK)
    made.open()
    told = made.session.named(typed(f"why {release_of(made, 'v3')}").out)
    assert told.startswith("doctor-visits  releases/v3  live\n  it serves: ")
    told = made.session.named(typed(f"why {release_of(made, 'v1')}").out)
    assert told.startswith("doctor-visits  releases/v1  promoted earlier\n") and "release v3 serves" in told


def test_a_release_on_its_way_says_what_it_waits_for(typed: Type, made: Town) -> None:
    """The release of the rollout under way has the rollout's sentence and its stage; the champion has neither."""
    made.play(*ROLLING)
    made.open()
    found = answer(typed, release_of(made, "v2"))
    assert ("rolling out", ["rollouts"]) == (found["state"], [one["stage"] for one in found["stages"]])
    assert found["rollout"] and found["waiting_for"]
    champion = answer(typed, release_of(made, "v1"))
    assert ("live", [], None, "") == tuple(champion[key] for key in ("state", "stages", "rollout", "waiting_for"))


def test_a_stage_is_explained_alone(typed: Type, made: Town) -> None:
    """`why builds/…`, `gates/…` and `rollouts/…` hold what this stage says and its facts; only gates have verdicts."""
    made.play(*SENT_BACK)
    made.open()
    kinds = {
        "builds": {"ServiceWanted", "BuildStarted", "ReleaseMade"},
        "gates": {"GateStarted", "VerdictGiven"},
        "rollouts": {"RolloutStarted", "StepTaken", "RolloutEnded", "Quarantined"},
    }
    for noun, wanted in kinds.items():
        found = answer(typed, f"{noun}/doctor-visits")
        assert f"{noun}/doctor-visits" == found["about"]
        assert wanted == {item["kind"] for item in found["items"]}
        assert {one["stage"] for one in found["stages"]} <= {noun}
        assert (noun == "gates") == bool(found["verdicts"])
    assert "services/doctor-visits" == answer(typed, "doctor-visits")["about"]


def test_a_check_says_its_words_once() -> None:
    """A line of the gate and what it found do not repeat each other's words."""
    checks = [check_json(label_check({}, "y")), check_json(signature_check({}, {}, breaking=False))]
    verdict = {"release": "blake3:1", "subject": "v1", "verdict": "pass", "checks": checks}
    lines = list(why_lines({"service": "a", "state": "live", "verdicts": [verdict]}, Paint(False), 0))
    assert "    + gate zero: it does not read the label: it is none of the model's columns" in lines
    words = "there is no champion, so no caller is bound to a signature"
    assert f"    - gate zero: signature fits callers: {words}" in lines
