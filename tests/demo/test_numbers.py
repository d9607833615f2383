"""What the demo's exit code stands for: each promise is kept by the story as told, and broken by what it excludes."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.demo.data import live_rows
from tools.demo.numbers import LiveRows, Told, failing_share, lost, of_versions, promises, short
from windlass.testing.tables import Row, read_table

RELEASES = {name: f"blake3:{name * 32}" for name in ("v1", "v2", "v3", "v4")}
LIVE = LiveRows(50, frozenset({7, 9}))
Item = dict[str, Any]


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("lost.txt")), ids=str)
def test_lost_is_what_was_sent_without_exactly_one_answer(row: Row) -> None:
    """Every row of lost.txt is a record and how many of its requests are lost."""
    parts = [part.split(":") for part in row["record"].split()]
    assert int(row["lost"]) == lost([{"n": int(number), "status": int(status)} for number, status in parts])


def check(line: str, verdict: str, **more: Any) -> Item:
    return {"line": line, "verdict": verdict, "relative_to": "", "better": None, **more}


def version(outcome: str, because: str, verdict: str = "pass", better: bool | None = None) -> Item:
    relative = "fail" if verdict == "fail" else "pass"
    paired = check("roc_auc not worse than champion by 0.01", relative, relative_to="champion", better=better)
    checks = [check("roc_auc >= 0.60", "pass"), paired]
    verdicts = [{"verdict": verdict, "checks": checks}]
    return {"outcome": outcome, "because": because, "verdicts": verdicts, "requests": {"200": 1}, "quarantined": False}


class Story:
    """A demo in which all went well; a test breaks one thing of it."""

    def __init__(self) -> None:
        self.versions = {
            "v1": version("promoted", "it is the first release"),
            "v2": version("promoted", "shown safe after 1,989 canary requests", better=True),
            "v3": version("fail", "worse than the champion", verdict="fail", better=False) | {"requests": {}},
            "v4": version("rolled_back", "harm shown after 139 canary requests") | {"quarantined": True},
        }
        for name, one in self.versions.items():
            one["release"] = RELEASES[name]
        self.record = [self.answer(number) for number in range(200)]
        self.record[107] |= {"status": 500, "release": short(RELEASES["v4"])}
        self.during = self.record[20:30]

    def answer(self, number: int) -> Item:
        return {"n": number, "status": 200, "release": short(RELEASES["v2"])}

    def kept(self) -> dict[str, bool]:
        return promises(self.versions, self.record, self.during, LIVE)

    def fail(self, numbers: range, name: str) -> None:
        for number in numbers:
            self.record[number] |= {"status": 500, "release": short(RELEASES[name])}


def put(name: str, **more: Any) -> Callable[[Story], None]:
    return lambda story: story.versions[name].update(more)


def says(name: str, line: str, **more: Any) -> Callable[[Story], None]:
    """One check of a version's verdict says something else."""

    def change(story: Story) -> None:
        checks = story.versions[name]["verdicts"][-1]["checks"]
        next(one for one in checks if one["line"].startswith(line)).update(more)

    return change


PAIRED = "roc_auc not worse"
BROKEN: list[tuple[str, Callable[[Story], None]]] = [
    ("v1 went live", put("v1", outcome="rolled_back")),
    ("v2 is better", says("v2", PAIRED, better=None)),
    ("v2 is better", says("v2", PAIRED, relative_to="best")),
    ("v2 was promoted on evidence", put("v2", because="promoted in full by ann")),
    ("v2 was promoted on evidence", put("v2", outcome="rolled_back")),
    ("v3 passed every absolute threshold", says("v3", "roc_auc >=", verdict="unsure")),
    ("v3 fell by the paired test", says("v3", PAIRED, verdict="unsure")),
    ("v3 never saw traffic", put("v3", requests={"200": 1})),
    ("v4 passed the gate", lambda story: story.versions["v4"]["verdicts"][-1].update(verdict="unsure")),
    ("v4 fails at most 5 % of the live requests", lambda story: story.fail(range(100, 102), "v4")),
    ("v4 was rolled back by itself", put("v4", because="aborted by ann")),
    ("v4 is quarantined", put("v4", quarantined=False)),
    ("no request was lost", lambda story: story.record.append(story.answer(3))),
    ("no request was lost", lambda story: story.record.__delitem__(3)),
    ("only v4 failed requests", lambda story: story.fail(range(50, 51), "v2")),
    ("nobody noticed the dead control plane", lambda story: story.during.clear()),
    ("nobody noticed the dead control plane", lambda story: story.during.append({"status": 503})),
]


@pytest.mark.parametrize(("promise", "spoil"), BROKEN)
def test_each_promise_can_be_broken(promise: str, spoil: Callable[[Story], None]) -> None:
    """A story as it should be keeps every promise; one fault breaks the promise about it, and no other."""
    story = Story()
    assert all(story.kept().values()), story.kept()
    story.versions, story.during = copy.deepcopy(story.versions), copy.deepcopy(story.during)
    spoil(story)
    assert [promise] == [name for name, held in story.kept().items() if not held]


def test_every_promise_is_tried() -> None:
    """A promise that nothing can break is none."""
    assert set(Story().kept()) == {promise for promise, _ in BROKEN}


def test_a_release_that_goes_back_soon_is_not_judged_by_its_few_answers() -> None:
    """What it fails is counted over all that was sent; a release that fails on all rows fails all requests."""
    story = Story()
    assert 0.04 == failing_share(story.record, RELEASES["v4"], LIVE)
    assert 1.0 == failing_share([], RELEASES["v4"], LIVE)
    story.fail(range(50), "v4")
    assert 1.0 == failing_share(story.record, RELEASES["v4"], LIVE)


def test_the_rows_beyond_the_training_are_found(tmp_path: Path) -> None:
    """People sicker than any that the training holds are the ones that v4 fails on."""
    import pandas as pd

    pd.DataFrame({"disea": [3.2, 14.0]}).to_parquet(tmp_path / "train.parquet")
    (tmp_path / "live.jsonl").write_text('{"disea": 14.9}\n{"disea": 15.0}\n{"disea": 2.0}\n{"disea": 40.5}\n')
    assert LiveRows(4, frozenset({1, 3})) == live_rows(tmp_path, tmp_path / "live.jsonl")


def test_a_version_is_told_by_its_facts_and_its_answers() -> None:
    """Release, end and requests of a commit come from the facts about it and from the record of the answers."""
    told = Told("v1", "c1", 100.0, "promoted")
    body = {"release": RELEASES["v1"], "commit": "c1"}
    made = {**body, "seconds": 5.0, "provenance": {"train": {"seconds": 2.0}}}
    ended = {**body, "outcome": "promoted", "because": "first", "counts": {}}
    facts = [
        {"kind": "ReleaseMade", "body": made, "at": "1970-01-01T00:01:45Z"},
        {"kind": "VerdictGiven", "body": {**body, "verdict": "pass"}, "at": "1970-01-01T00:01:46Z"},
        {"kind": "RolloutEnded", "body": ended, "at": "1970-01-01T00:01:47Z"},
    ]
    record = [{"n": 0, "at": 108.0, "status": 200, "release": short(RELEASES["v1"])}]
    found = of_versions([told, Told("v2", "c2", 100.0, "fail")], facts, record)
    one = found["v1"]
    assert ("promoted", "first", {"200": 1}) == (one["outcome"], one["because"], one["requests"])
    assert (8.0, 7.0) == (one["seconds_to_first_request"], one["seconds_to_end_state"])
    assert (None, None, {}) == (found["v2"]["release"], found["v2"]["outcome"], found["v2"]["requests"])
