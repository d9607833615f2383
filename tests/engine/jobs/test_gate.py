"""The gate's job: real releases, real environments, real processes where a release is asked."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.engine.jobs.judging import GONE, SPEC, Unused, World, checks, judging, spec
from windlass.delivery.gates.stored import write_scores
from windlass.delivery.releases.manifest import read_manifest, write_manifest
from windlass.facts.types import VerdictGiven
from windlass.kernel.digests import Digest
from windlass.kernel.records import from_json
from windlass.maths.spending import QUERIES_MAX


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return judging(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def verdicts(world: World) -> tuple[VerdictGiven, VerdictGiven]:
    """The verdicts on v1 and v2 as first releases, one after the other on the same rows."""
    first = world.verdict(0, spec())
    return first, world.verdict(1, spec(), ledger=first.scores)


@pytest.fixture(scope="module")
def known(world: World, verdicts: tuple[VerdictGiven, VerdictGiven]) -> dict[str, str]:
    """Where each release's stored scores lie."""
    return {world.release(number): verdict.scores for number, verdict in enumerate(verdicts)}


def test_a_first_release_is_judged_alone(world: World, verdicts: tuple[VerdictGiven, VerdictGiven]) -> None:
    """Gate zero, the threshold, the process and the ledger work on a real release; comparisons do not apply."""
    first, second = verdicts
    assert {
        "it does not read the label": "pass",
        "signature fits callers": "not applicable",
        "held-out rows were held out": "pass",
        "answers as built": "pass",
        "accuracy >= 0.55": "pass",
        "roc_auc not worse than champion by 10pp": "not applicable",
        "latency p99 <= 10s": "pass",
        "memory <= 8Gi": "pass",
    } == checks(first)
    assert ("pass", world.commits[1]) == (first.verdict, first.commit)
    assert ("blake3:policy", "") == (first.policy, first.champion)
    assert (1, 2, True) == (first.query, second.query, first.holdout == second.holdout)
    stored = world.scores(first)
    assert (300, first.holdout, [world.release(0)]) == (len(stored.labels), stored.holdout, list(stored.releases))


def test_the_process_is_measured_while_it_answers(verdicts: tuple[VerdictGiven, VerdictGiven]) -> None:
    """Three hundred single calls are timed, and the peak memory is that of a Python process with a model."""
    measured = {str(check["metric"]): check for check in verdicts[0].checks}
    assert 300 == measured["latency p99"]["n"]
    assert 10e6 < float(str(measured["memory"]["value"])) < 8e9


def test_answers_are_timed_where_a_line_asks(world: World) -> None:
    """Without a line about latency nothing is timed; one that comes later has the release asked again."""
    untimed = world.verdict(0, spec("accuracy >= 0.55"))
    assert [] == [*world.scores(untimed).releases[world.release(0)].latency_seconds]
    timed = world.verdict(0, spec("accuracy >= 0.55", "latency p99 <= 10s"), scores={world.release(0): untimed.scores})
    assert [300] == [check["n"] for check in timed.checks if check["metric"] == "latency p99"]


def test_nothing_that_is_kept_names_a_person_or_a_feature(
    world: World, verdicts: tuple[VerdictGiven, VerdictGiven]
) -> None:
    """Stored scores hold neither ids nor features: digests, labels, answers, losses and the ledger."""
    raw = asyncio.run(world.scene.artifacts.read(Digest(verdicts[0].scores)))
    assert not any(word in raw for word in (b"2-17", b"age", b"visits"))
    assert {"format", "holdout", "rows", "labels", "releases", "ledger"} == set(json.loads(raw))


def test_a_comparison_is_made_from_stored_scores(world: World, known: dict[str, str]) -> None:
    """Judged again on the same rows no process starts; it is the same query, and the same numbers as with asking."""
    champion = {"champion": world.release(0), "champion_signature": world.builds[0].body["signature"]}
    wanted, ledger = spec("accuracy not worse than champion by 20pp"), known[world.release(1)]
    stored = world.gate(1, wanted, Unused(), scores=known, ledger=ledger, **champion)
    asked = world.gate(1, wanted, scores={world.release(1): ledger}, ledger=ledger, **champion)
    assert ("", 2) == (stored.log, stored.body["query"])
    assert stored.body["checks"] == asked.body["checks"]
    (check,) = (check for check in stored.body["checks"] if check["relative_to"])
    assert ("champion", "Tango", 300, "pass") == tuple(check[key] for key in ("relative_to", "method", "n", "verdict"))
    assert check["candidate"] != check["reference"]
    assert {*known} == set(world.scores(from_json(VerdictGiven, stored.body)).releases)


def test_the_best_release_is_compared_with_too(world: World, known: dict[str, str]) -> None:
    """A best release that is not the champion has a check of its own, and the fact names both."""
    verdict = world.verdict(1, spec(), champion=world.release(1), best=world.release(0), scores=known)
    assert ["champion", "best"] == [check["relative_to"] for check in verdict.checks if check["relative_to"]]
    assert (world.release(1), world.release(0)) == (verdict.champion, verdict.best)


def test_spent_rows_are_refused(
    world: World, verdicts: tuple[VerdictGiven, VerdictGiven], known: dict[str, str]
) -> None:
    """After twenty queries the verdict is unsure until there are fresh rows, and nobody is asked."""
    stored = world.scores(verdicts[1])
    ledger = replace(stored.ledger, asked=dict.fromkeys(stored.ledger.asked, QUERIES_MAX), candidates={})
    refused = world.verdict(1, spec(), scores=known, ledger=world.store(write_scores(replace(stored, ledger=ledger))))
    assert ("spent", "unsure", 0, "") == (refused.refusal, refused.verdict, refused.query, refused.scores)
    assert refused.sentence.startswith("these held-out rows have answered 20 queries")


def test_a_ledger_that_cannot_be_read_is_no_fresh_ledger(world: World, known: dict[str, str]) -> None:
    """With the ledger's blob gone the gate is broken, not begun anew."""
    assert "failed" == world.gate(1, spec(), scores=known, ledger=GONE).state


BLIND = {"data": {"train": {"digest": "blake3:0", "rows": 200}}}
REFUSED: list[tuple[str, dict[str, Any], Mapping[str, Any], str]] = [
    ("missing", {"holdout": "data/none.csv"}, {}, "the holdout data/none.csv is neither in the commit nor beside it"),
    ("rows", {"holdout": "train.py"}, {}, "the holdout cannot be read: "),
    ("rows", {"label": "sick"}, BLIND, 'the holdout has no column "sick" (data: label); its columns are'),
    ("shared", {}, {"overlap": {"refuse": True, "sentence": "7 rows shared"}}, "7 rows shared; keep them apart"),
    ("uncompared", {}, BLIND, "data.train (data/train.csv) changed since the build, so nobody can say whether"),
]


@pytest.mark.parametrize(("refusal", "data", "provenance", "words"), REFUSED)
def test_rows_that_may_not_be_judged_give_no_verdict_but_unsure(
    world: World, refusal: str, data: dict[str, Any], provenance: Mapping[str, Any], words: str
) -> None:
    """A holdout that is missing, unfit, shared with training or not comparable is refused, and spends nothing."""
    verdict = world.verdict(1, spec(data=replace(SPEC.data, **data)), provenance=provenance)
    assert (refusal, "unsure", 0, "") == (verdict.refusal, verdict.verdict, verdict.query, verdict.scores)
    assert "pass" != checks(verdict)["held-out rows were held out"]
    assert verdict.sentence.startswith(words)


def test_a_column_that_the_holdout_lacks_is_named(world: World) -> None:
    """A candidate that reads a column the held-out rows do not have cannot be judged on them."""
    signature = world.builds[1].body["signature"]
    wider = {**signature, "columns": [*signature["columns"], {"name": "income", "datatype": "FP64"}]}
    verdict = world.verdict(1, spec(), signature=wider, provenance={})
    assert 'the holdout has no column "income", which the candidate reads' == verdict.sentence


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"signature": {"columns": [{"name": "ill", "datatype": "INT64"}]}}, 'label: the model reads the column "ill"'),
        ({"champion_signature": {"columns": [{"name": "iq", "datatype": "FP64"}]}}, 'signature: column "iq" is gone'),
    ],
)
def test_gate_zero_fails_before_any_row_is_asked(world: World, body: dict[str, Any], words: str) -> None:
    """A model that reads its label, or that breaks its callers, fails and spends no query."""
    verdict = world.verdict(1, spec(), provenance={}, **body)
    assert ("fail", 0, True) == (verdict.verdict, verdict.query, verdict.sentence.startswith(words))


def test_a_declared_break_is_let_through(world: World, known: dict[str, str]) -> None:
    """`breaking: true` turns the broken signature into a pass that is told."""
    narrower = {"columns": [{"name": "iq", "datatype": "FP64"}]}
    verdict = world.verdict(1, spec(breaking=True), champion_signature=narrower, scores=known)
    assert "pass" == checks(verdict)["signature fits callers"]


def test_changed_answers_fail(world: World) -> None:
    """A release that answers its sample rows otherwise than when it was built fails in gate zero."""
    recorded = world.scene.blob(world.builds[1].provenance["sample"]["rows"])
    recorded["predictions"][0] = 1 - recorded["predictions"][0]
    blob = world.store(json.dumps(recorded).encode())
    verdict = world.verdict(1, spec(), provenance={"sample": {"rows": blob}})
    assert ("fail", "fail") == (verdict.verdict, checks(verdict)["answers as built"])
    assert verdict.sentence.startswith("answers: sample row 1 answered ")


def broken(world: World) -> str:
    """A release whose model is not one."""
    manifest = read_manifest(asyncio.run(world.scene.artifacts.read(Digest(world.release(1)))))
    bad = world.store(b"not a model")
    files = [
        replace(file, digest=Digest(bad), size=11) if file.path.startswith("model/") else file for file in manifest
    ]
    return world.store(write_manifest(files))


def test_a_release_that_cannot_be_loaded_fails(world: World, known: dict[str, str]) -> None:
    """A candidate that does not start fails in its own words; as a champion it only leaves comparisons unsure."""
    verdict = world.verdict(1, spec(), release=broken(world))
    assert ("fail", 0, "fail") == (verdict.verdict, verdict.query, checks(verdict)["it starts"])
    beside = world.verdict(1, spec(), champion=broken(world), scores=known)
    (check,) = (check for check in beside.checks if check["relative_to"])
    assert ("unsure", "unsure") == (beside.verdict, check["verdict"])
    assert str(check["note"]).startswith("the champion cannot be asked: ")


def test_a_gate_without_lines_about_rows_reads_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines about the process alone need no holdout: the sample rows of the build are enough."""
    monkeypatch.setattr(world.scene, "ports", replace(world.scene.ports, tables=Unused()))
    blind = world.verdict(1, spec("memory <= 8Gi"))
    assert ("pass", 0, "") == (blind.verdict, blind.query, blind.holdout)
    verdict = world.verdict(1, spec("memory <= 8Gi", data=replace(SPEC.data, holdout="data/none.csv")))
    assert ("pass", 0, "") == (verdict.verdict, verdict.query, verdict.holdout)
    nothing = world.verdict(1, replace(SPEC, gate=()), provenance={})
    assert "unsure" == nothing.verdict
    assert "no check could be applied, and a gate without a check passes nothing" == nothing.sentence
