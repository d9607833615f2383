"""A day that fails is played again byte for byte, and made small."""

import logging
import time
from collections.abc import Callable
from typing import NoReturn

import pytest

from windlass.sim import days, shrinking
from windlass.sim.days import lived
from windlass.sim.shrinking import sentence_of, shrunk
from windlass.sim.storms import Storm, drawn
from windlass.sim.weather import Day, Weather
from windlass.site.journal import Journal

SECONDS = 120
SEED = 52


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody reads what a simulated engine logs."""
    caplog.set_level(logging.CRITICAL, logger="windlass")


async def keeps_nothing(journal: Journal, entry: object) -> None:
    """Acknowledged and not stored."""


async def breaks(journal: Journal, entry: object) -> NoReturn:
    raise TypeError("an error that nobody foresaw")


@pytest.mark.parametrize(
    ("append", "sentence"),
    [
        (keeps_nothing, "What a site acknowledged is on its disk"),
        (breaks, "No error comes out (TypeError in breaks)"),
    ],
)
def test_a_broken_product_is_found_and_made_small(
    monkeypatch: pytest.MonkeyPatch, append: Callable[..., object], sentence: str
) -> None:
    """A site that does not store what it acknowledges: three replays give the same words and the same history, and
    of all that happened only the act at a site is needed, and the commit that gave it something to leave."""
    monkeypatch.setattr(Journal, "append", append)
    storm = drawn(SEED, SECONDS)
    first, *others = [lived(storm) for _ in range(3)]
    assert sentence == sentence_of(first)
    assert first.digest
    assert [(first.broken, first.digest)] * 2 == [(day.broken, day.digest) for day in others]
    small = shrunk(storm, print)
    assert ["commit", "act at a site"] == [one.name for one in small.happenings]
    assert sentence == sentence_of(lived(small))


def test_a_day_that_does_not_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day that turns in a circle has broken a promise, and has a digest that a replay gives again."""

    async def turns(weather: Weather, storm: Storm) -> None:
        while True:
            time.process_time()

    monkeypatch.setattr(days, "DAY_SECONDS_MAX", 0.1)
    monkeypatch.setattr(days, "_storm_and_calm", turns)
    first, second = lived(drawn(1)), lived(drawn(1))
    assert sentence_of(first).startswith("A day ends within")
    assert first.digest == second.digest != ""


def only_with(monkeypatch: pytest.MonkeyPatch, *needed: int, seconds: int = 1200) -> Storm:
    """A storm that fails after so many seconds while these of its happenings are in it."""
    storm = drawn(1)
    wanted = {storm.happenings[at] for at in needed}

    def fails(tried: Storm) -> Day:
        is_bad = bool(wanted) and wanted <= set(tried.happenings)
        return Day(1, seconds, broken=["second 9: Shares sum to 100: 99"] if is_bad else [])

    monkeypatch.setattr(shrinking, "lived", fails)
    return storm


def test_only_what_is_needed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all happenings only those stay without which the same promise would hold."""
    storm = only_with(monkeypatch, 3, 7)
    said: list[str] = []
    assert storm.only([3, 7]) == shrunk(storm, said.append)
    assert "2 happenings are enough" == said[-1]


def test_a_good_day_is_not_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no promise broke nothing is left out."""
    storm = only_with(monkeypatch)
    assert storm == shrunk(storm, print)


def test_when_the_time_is_over_it_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a day small takes no longer than it may."""
    storm = only_with(monkeypatch, 3, 7)
    assert storm == shrunk(storm, print, seconds_max=0.0)


def test_what_came_later_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any time what was drawn for the seconds after the failure is left out all the same."""
    seconds = drawn(1).happenings[9].second
    storm = only_with(monkeypatch, 3, 7, seconds=seconds)
    small = shrunk(storm, print, seconds_max=0.0)
    assert storm.happenings[:10] == small.happenings
