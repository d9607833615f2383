"""What many days come to: counted, judged, and kept for a run that is killed."""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import sim_seeds
from tools.sim_sums import DAY_SECONDS, YEAR_FAULTS, Sums, keep, kept
from windlass.sim.faults import KINDS
from windlass.sim.weather import Day

EACH = YEAR_FAULTS // len(KINDS) + 1


def year() -> Sums:
    """Three virtual days with a rollout each, and as many faults of each kind as a year needs."""
    sums = Sums()
    for seed in range(6):
        faults = Counter(dict.fromkeys(KINDS, EACH if seed == 0 else 0))
        sums.add(Day(seed, DAY_SECONDS // 2, faults, Counter(RolloutStarted=1)))
    return sums


def test_a_full_year_wants_nothing() -> None:
    """Enough faults of each kind and a rollout a day."""
    sums = year()
    assert [] == sums.wanting()
    assert (6, 72.0) == (sums.days, sums.hours)


def test_what_a_year_lacks_is_said() -> None:
    """Few faults, a rare kind, a quiet day, and faults that change no answer are each named."""
    sums = year()
    sums.faults["disk full"] = 0
    sums.rollouts[1] = 0
    said = "\n".join(sums.wanting())
    assert f"fewer than {YEAR_FAULTS:,}" in said
    assert "less than 1 % of the faults are: disk full" in said
    assert "1 virtual days have no rollout" in said
    sums.faults["agent killed"] = 100 * YEAR_FAULTS
    assert "less than half of the faults change an answer" in sums.wanting()


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """What was kept is the same sums; another command, another commit and changed code begin anew."""
    path, sums = tmp_path / "build" / "year.json.part", year()
    sums.add(Day(9, 5, broken=["it broke"]))
    assert Sums() == kept(path, "abc --hours 1")
    keep(path, "abc --hours 1", sums)
    assert sums == kept(path, "abc --hours 1")
    assert Sums() == kept(path, "abd --hours 1")
    keep(path, "abc-dirty --hours 1", sums)
    assert Sums() == kept(path, "abc-dirty --hours 1")


def test_a_run_that_is_killed_ends_like_one_that_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the third day, it goes on with the fourth, and nothing stays beside its result."""
    lives: list[int] = []

    def days(options: argparse.Namespace, done: int) -> Iterator[Day]:
        for number in range(done + 1, 6):
            lives.append(number)
            yield Day(number, 1200, Counter({"disk full": number}))
            if lives == [1, 2, 3]:
                raise KeyboardInterrupt

    monkeypatch.setattr(sim_seeds, "_days", days)
    monkeypatch.setattr(sim_seeds, "commit", lambda: "abc")
    monkeypatch.setattr(sim_seeds, "KEEP_SECONDS", -1.0)
    options = argparse.Namespace(first=1, seeds=5, hours=0.0, quiet=0, write=str(tmp_path / "year.json"), processes=1)
    with pytest.raises(KeyboardInterrupt):
        sim_seeds.many(options)
    assert 0 == sim_seeds.many(options)
    assert [1, 2, 3, 4, 5] == lives
    assert ["year.json"] == [path.name for path in tmp_path.iterdir()]
    found = json.loads((tmp_path / "year.json").read_text())
    assert (5, 15) == (found["seeds"], found["faults"])


def test_a_year_without_faults_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run over a virtual year ends with 1 where the year lacks something, although no promise broke."""
    monkeypatch.setattr(sim_seeds, "_days", lambda options, done: iter([Day(1, 366 * DAY_SECONDS)]))
    options = argparse.Namespace(first=1, seeds=5, hours=8760.0, quiet=0, write="", processes=1)
    assert 1 == sim_seeds.many(options)
    assert 0 == sim_seeds.many(argparse.Namespace(**{**vars(options), "hours": 8759.0}))
