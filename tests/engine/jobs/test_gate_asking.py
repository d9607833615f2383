"""What the gate asks a release, and what it makes of how the asking ends."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.jobs.judging import ANSWERS, GONE, SPEC, Scripted, World, given, judging, spec
from tests.engine.jobs.scene import said
from windlass.ports.processes import Command, Ended


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return judging(tmp_path_factory.mktemp("gate"))


def test_a_gate_says_whom_it_asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking takes long: who is asked about how many rows is said before it begins.

    The sample rows of the build are asked together with the held-out ones.
    """
    body = {"champion": world.release(0), "champion_signature": world.builds[0].body["signature"]}
    with said(monkeypatch) as words:
        world.gate(1, spec(), Scripted(Ended(0), ANSWERS), provenance={}, **body)
        world.gate(1, spec(), Scripted(Ended(0), ANSWERS))
        world.gate(1, spec("memory <= 8Gi"), Scripted(Ended(0), ANSWERS))
    assert [
        "asking the candidate about 300 rows",
        "asking the champion about 300 rows",
        "asking the candidate about 320 rows",
        "answering the sample rows of the build",
    ] == words


def test_lost_answers_only_mean_asking_again(world: World) -> None:
    """Where the stored answers of a release are gone it is asked, and nothing else changes."""
    asked = Scripted(Ended(0), ANSWERS)
    verdict = world.gate(1, spec("accuracy >= 0.3"), asked, provenance={}, scores={world.release(1): GONE})
    assert ("done", 1, 300) == (verdict.state, verdict.body["query"], verdict.body["checks"][-1]["n"])


ENDINGS = [
    (Ended(3, words="exit code 3", tail="loading\nno such type\n"), "done", "start: no such type"),
    (Ended(4, words="exit code 4", tail=""), "done", "start: exit code 4"),
    (Ended(-11, words="it was ended by SIGSEGV", tail="junk"), "done", "start: it was ended by SIGSEGV"),
    (Ended(1, words="exit code 1", tail="Traceback\nValueError: x"), "crash", "asking a release failed: ValueError: x"),
    (Ended(-9, "limit", "it used more than 1 GB"), "limit", "it used more than 1 GB"),
    (Ended(1, "disk", "the disk is full"), "disk", "the disk is full"),
]


@pytest.mark.parametrize(("ended", "outcome", "words"), ENDINGS)
def test_whose_fault_an_ending_is(world: World, ended: Ended, outcome: str, words: str) -> None:
    """What the release did itself is a failed gate; what the machine or we did is no verdict, and is tried again."""
    result = world.gate(1, spec(), Scripted(ended, ANSWERS), provenance={})
    if outcome == "done":
        assert ("done", "fail", words) == (result.state, result.body["verdict"], result.body["sentence"])
    else:
        assert ("failed", outcome) == (result.state, result.trouble)
        assert words in result.words


@pytest.mark.parametrize(("score", "verdict"), [("risk", "unsure"), ("margin", "fail")])
def test_a_named_score_is_taken_from_the_outputs(world: World, score: str, verdict: str) -> None:
    """`data: {score:}` names the output that ranks; a release that does not answer it fails and says so."""
    wanted = spec("roc_auc >= 0.5", data=replace(SPEC.data, score=score))
    result = world.gate(1, wanted, Scripted(Ended(0), ANSWERS), provenance={})
    assert verdict == result.body["verdict"], result.body["sentence"]
    if verdict == "fail":
        assert 'start: it answers no "margin", which data: names as its score' == result.body["sentence"]


def test_an_environment_without_a_reader_of_parquet_gets_json(world: World) -> None:
    """The rows reach the release without their label, in a form that its environment can read."""
    seen: dict[str, Any] = {}
    ports = world.scene.ports

    class Looking(Scripted):
        async def run(self, command: Command) -> Ended:
            path = Path(given(command, "--input"))
            seen[path.name] = json.loads(path.read_bytes()) if path.suffix == ".json" else path.read_bytes()[:4]
            return await super().run(command)

    class Bare:
        async def restore(self, lock: str, python_version: str, log: str) -> Any:
            found = await ports.environments.restore(lock, python_version, log)
            return replace(found, lock="numpy==2.0\n")

    looking = Looking(Ended(0), ANSWERS)
    world.gate(1, spec("accuracy >= 0.5"), looking, provenance={})
    world.scene.ports = replace(ports, environments=Bare())  # type: ignore[arg-type]
    world.gate(1, spec("accuracy >= 0.5"), looking, provenance={})
    world.scene.ports = ports
    assert b"PAR1" == seen["rows.parquet"]
    assert ({"key", "age", "visits"}, 300) == (set(seen["rows.json"][0]), len(seen["rows.json"]))
