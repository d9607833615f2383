"""What a file would mean for callers: each release followed to its end, counted right, the same from the same seed."""

import asyncio
import doctest
import json
from dataclasses import replace

import pytest

from windlass.adapters.simulated.world import BEGINNING
from windlass.delivery.gates.lines import gate_check
from windlass.delivery.sources.parse import parse_service
from windlass.delivery.sources.types import ServiceSpec
from windlass.kernel.errors import UserMistake
from windlass.kernel.instants import Instant, later
from windlass.ports.store import FactQuery
from windlass.sim import behaviour, stories
from windlass.sim.behaviour import Behaviour, Rhythm, read_bad, read_behaviour
from windlass.sim.faults import KINDS
from windlass.sim.forecast import Question, forecast
from windlass.sim.stories import Setting, Story, Told, gist, tell

FILE = """\
service: fraud
train: python train.py
include: [shared]
data: {train: /data/train.csv, extra: more.csv, holdout: holdout.csv, label: y}
gate:
  - roc_auc >= 0.70
"""
CHAMPION = Behaviour(0.001, 0.02)


def setting(per_second: float = 200.0, more: str = "", faults: tuple[str, ...] = ()) -> Setting:
    """A file, callers, and a champion that fails once in a thousand."""
    spec = parse_service(FILE + more, "windlass.yaml", gate_check)
    assert isinstance(spec, ServiceSpec), spec
    return Setting(FILE + more, spec, Rhythm(per_second), CHAMPION, faults)


def told(chosen: Setting, how: Behaviour, seed: int = 1) -> Told:
    """What becomes of one release."""
    return asyncio.run(tell(chosen, how, seed, 0))


def test_a_harmless_release_gets_all_traffic() -> None:
    """With ample traffic releases as good as the champion are promoted within minutes, and the bound of the share that
    is rolled back is that of Clopper and Pearson: 1 - 0.05^(1/n) where none was."""
    item = forecast(Question(setting(), runs=6), lambda done, of: None)["items"][0]
    assert (6, 0, 0) == tuple(item[name]["runs"] for name in ("promoted", "rolled_back", "held"))
    assert 1 - 0.05 ** (1 / 6) == pytest.approx(item["rolled_back"]["at_most"])
    assert 40 <= item["full_seconds"]["median"] <= item["full_seconds"]["q95"] <= 400
    waits = {one["for"]: one["mean_seconds"] for one in item["waits"]}
    assert {"soaking", "errors not yet shown safe"} <= set(waits)
    assert item["full_seconds"]["median"] == pytest.approx(sum(waits.values()), rel=0.5)
    assert [("promoted", "shown safe", 6)] == [(e["outcome"], e["because"], e["runs"]) for e in item["endings"]]


def test_a_bad_release_goes_back_and_its_victims_are_counted() -> None:
    """A release that fails one request in ten is always rolled back; what it answered is what the callers' own record
    says, and what failed is what the control plane had counted, and what came until the last route was gone."""

    async def story(seed: int) -> None:
        one = Story(setting(), Behaviour(0.1, 0.02), seed)
        await one.begin(BEGINNING)
        await one.go_on()
        found = one.end()
        assert "rolled_back" == found.outcome and found.because.startswith("harm shown")
        assert one.world.callers.answered[one.script.release] == found.served > found.failed > 0
        facts = await one.world.store.facts(FactQuery(kinds=("RolloutEnded",)))
        (ended,) = [fact.body for fact in facts if fact.body.release == one.script.release]
        known = ended.counts["canary_failed"]
        assert isinstance(known, int) and known <= found.failed <= known + 20
        assert found.lived_seconds is not None and 1 <= found.lived_seconds <= 60
        assert found.lived_seconds == pytest.approx(found.served / 10, abs=3)
        await one.world.store.close()

    for seed in range(4):
        asyncio.run(story(seed))


def test_every_failure_is_counted() -> None:
    """Of a release that never answers well every request has failed, and none was slow that was not."""
    found = told(setting(), Behaviour(1.0, 0.001))
    assert ("rolled_back", found.served, 0) == (found.outcome, found.failed, found.slow)


def test_a_slow_release_goes_back() -> None:
    """Of a release that takes ten times as long nearly all answers are slow; they are not failures."""
    found = told(setting(), Behaviour(0.0, 0.2))
    assert ("rolled_back", 0) == (found.outcome, found.failed)
    assert 0.95 * found.served <= found.slow <= found.served


def test_little_traffic_holds_and_says_why() -> None:
    """Where too few call, the release is held at the time limit, with what is missing; it lives until a person acts."""
    found = told(setting(20 / 3600), CHAMPION)
    assert "held" == found.outcome
    assert found.because.startswith("no verdict after 24 h: ") and "not yet shown safe" in found.because
    assert found.lived_seconds is None
    item = forecast(Question(setting(1 / 86_400), runs=2), lambda done, of: None)["items"][0]
    assert (2, None) == (item["held"]["runs"], item["full_seconds"]["median"])
    assert "no request has reached the canary yet" in item["endings"][0]["example"]


def test_the_file_decides_what_happens_at_the_limit() -> None:
    """`unsure: back` and a short limit end the same release by themselves."""
    found = told(setting(1.0, "rollout: {unsure: back, time_limit: 10m}\n"), CHAMPION)
    assert ("rolled_back", "no verdict after 10 min") == (found.outcome, found.because)


def test_a_window_keeps_traffic_still() -> None:
    """A release whose gate passes in a freeze window waits for its end, and that is where its time goes."""
    frozen = setting(more='freeze: ["mon 00:00..sun 22:00"]\n')
    found = told(frozen, CHAMPION)
    assert "promoted" == found.outcome
    assert found.full_seconds is not None and found.full_seconds > 3600
    assert "frozen by the window mon 00:00..sun 22:00" == max(found.waits, key=lambda words: found.waits[words])
    with pytest.raises(UserMistake, match="whole week"):
        told(setting(more='freeze: ["mon 00:00..sun 00:00", "sun 00:00..mon 00:00"]\n'), CHAMPION)


def test_few_callers_change_where_it_begins() -> None:
    """At rates where the file's first step would take days, the control plane begins with half, and the answer says so
    and why; a file that gives its own steps, and one whose champion lived through quiet windows, begin as written."""
    begins = forecast(Question(setting(100 / 3600), runs=1), lambda done, of: None)["items"][0]["begins"]
    assert [[0.5, 1.0]] == [one["steps"] for one in begins]
    assert "so it is 50%" in begins[0]["because"]
    own = told(setting(100 / 3600, "rollout: {steps: [10%, 100%]}\n"), Behaviour(0.5, 0.02))
    assert (0.1, 1.0) == own.steps
    assert (0.05, 0.25, 0.5, 1.0) == told(setting(more='freeze: ["mon 00:00..sun 22:00"]\n'), CHAMPION).steps


def test_one_seed_gives_the_same_answer() -> None:
    """The same bytes, whether one process tells all releases or two share them; another seed tells something else."""
    question = Question(setting(faults=tuple(sorted(KINDS))), (("bad", Behaviour(0.05, 0.02)),), runs=4)
    heard: list[tuple[int, int]] = []
    first = json.dumps(forecast(question, lambda done, of: heard.append((done, of))))
    assert [(number, 6) for number in range(1, 7)] == heard
    assert first == json.dumps(forecast(question, lambda done, of: None, processes=2))
    assert first != json.dumps(forecast(replace(question, seed=2), lambda done, of: None))


def test_faults_happen_and_promises_hold() -> None:
    """The faults that were named happen and no others, callers who found nobody are counted, every promise holds."""
    named = ("gateway killed", "replica killed", "store busy")
    answer = forecast(Question(setting(faults=named), runs=8), lambda done, of: None)
    faults = answer["faults"]
    assert set(faults["by_kind"]) <= set(named) and faults["happened"] == sum(faults["by_kind"].values()) > 0
    met = [ending["faults"] for item in answer["items"] for ending in item["endings"]]
    assert faults["happened"] == sum(sum(one.values()) for one in met)
    assert [] == answer["broken"]
    assert answer["requests"] > 100 * answer["unanswered_requests"] > 0


def test_a_release_that_another_commit_overtakes_is_told_so() -> None:
    """Where a rewritten history brings newer commits and the file lets them replace it, the release may never get
    far; that is no rollback."""
    chosen = setting(more="rollout: {newer: replace}\n", faults=("git history rewritten",))
    found = told(chosen, CHAMPION)
    assert "overtaken" == found.outcome and found.because.startswith("replaced by the newer release")
    assert found.lived_seconds is not None


def test_traffic_falls_at_night() -> None:
    """At three in the afternoon it is full, at three at night what is left, in between something between."""
    rhythm, midnight = Rhythm(100.0, 0.2), Instant(86_400_000 * 20_000)
    by_hour = [rhythm.at(later(midnight, seconds=3600 * hour)) for hour in (3, 9, 15, 21)]
    assert pytest.approx([20.0, 60.0, 100.0, 60.0]) == by_hour


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("errors=2%", Behaviour(0.02, 0.02)),
        ("latency=+30%", Behaviour(0.001, 0.026)),
        ("latency=x1.5", Behaviour(0.001, 0.03)),
        ("errors=0.05, latency=80ms", Behaviour(0.05, 0.08)),
    ],
)
def test_a_behaviour_is_read(text: str, expected: Behaviour) -> None:
    """Shares, factors and durations mean what they say; what is not named stays as the champion has it."""
    found = read_bad(text, CHAMPION)
    assert pytest.approx(expected.errors) == found.errors
    assert pytest.approx(expected.seconds) == found.seconds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "is no behaviour; write errors=2%"),
        ("errors", "is no behaviour"),
        ("errors=2", "2 can be read in two ways"),
        ("errors=2%,errors=3%", "says errors twice"),
        ("latency=fast", "is not a duration"),
        ("latency=0ms", "is no latency"),
        ("errors=0%", "no worse than the champion"),
    ],
)
def test_a_wrong_behaviour_says_what_to_write(text: str, words: str) -> None:
    """What cannot be read, and what would not be bad, is refused in words."""
    with pytest.raises(ValueError, match=words):
        read_bad(text, CHAMPION)


def test_the_champion_may_be_perfect() -> None:
    """Its behaviour is read without a comparison."""
    assert Behaviour(0.0, 0.05) == read_behaviour("errors=0%,latency=50ms", CHAMPION)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("the counts are 16 s old (at most 15)", "the counts are old"),
        ("p99 <= 300ms not yet shown safe: evidence 3.1 against 20", "p99 <= 300ms not yet shown safe"),
        ("replaced by the newer release 0123456789ab", "replaced by the newer release"),
        ("frozen by the window fri 16:00..mon 08:00", "frozen by the window fri 16:00..mon 08:00"),
    ],
)
def test_equal_reasons_are_counted_together(sentence: str, expected: str) -> None:
    """Numbers that differ from release to release are left out; those that the file names stay."""
    assert expected == gist(sentence)


def test_the_examples_in_docstrings_run() -> None:
    """They give the answers that they show."""
    assert [0, 0] == [doctest.testmod(module).failed for module in (behaviour, stories)]
