"""`windlass gc`: nothing that a plan can reach is removed, all else is, and a kill in the middle harms nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engine.shop import DAY, Shop
from windlass.engine.collect import NEWEST_KEPT
from windlass.facts import types as kinds
from windlass.kernel.errors import Unavailable
from windlass.planner.plan import plan
from windlass.planner.types import Snapshot

ROOT = Path(__file__).parents[2]
KILLED = "tests.engine.killed_collection"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def crowd(shop: Shop, count: int = NEWEST_KEPT) -> list[str]:
    """Newer releases, so many that an older one is not among the newest."""
    return [shop.made(f"newer {number}") for number in range(count)]


def test_what_nothing_reaches_is_removed(shop: Shop) -> None:
    """An old release is forgotten and its own files go; what it shares with others stays, and so do the others."""
    old = shop.made("old")
    crowd_of_newer = crowd(shop)
    before = shop.blobs()
    shop.age()
    told = shop.collect(dry_run=True)
    assert (1, 2, before) == (told.releases, told.blobs, shop.blobs())
    assert told == shop.collect()
    assert (2, len(before) - 2) == (len(before - shop.blobs()), told.kept)
    assert old not in shop.state().releases and set(crowd_of_newer) == set(shop.state().releases)
    assert all(shop.whole(release) for release in crowd_of_newer)
    again = shop.collect()
    assert (0, 0) == (again.releases, again.blobs)


def kept_by(shop: Shop, reason: str) -> str:
    """An old release that is kept for one reason."""
    if reason == "previous":
        shop.made("first", fate="promoted")  # it stays the best: nothing was shown to be better
        release = shop.made("kept", fate="promoted")
        shop.made("later", fate="promoted")
        return release
    release = shop.made("kept", fate="promoted" if reason == "live" else "superseded")
    shop.tell(
        *{
            "live": (),
            "quarantined": (kinds.Quarantined(release, "k", "harm shown"),),
            "moving": (kinds.RolloutStarted("r9", release, "c", "", (0.05, 1.0), "the gate passed"),),
            "judged": (kinds.GateStarted(release, "", "gate-1"),),
            "wanted": (kinds.ServiceWanted("/r", "ckept", "s", "a", "", {}, "p", "kkept"),),
        }[reason]
    )
    return release


@pytest.mark.parametrize("reason", ["live", "previous", "quarantined", "moving", "judged", "wanted"])
def test_what_a_plan_can_reach_stays(shop: Shop, reason: str) -> None:
    """Live, previous, quarantined, moving, judged and wanted releases stay whole, however many newer ones there are."""
    release = kept_by(shop, reason)
    crowd(shop)
    shop.age()
    shop.collect()
    assert release in shop.state().releases
    assert shop.whole(release)


def test_what_facts_name_stays(shop: Shop) -> None:
    """Sample rows, scores, the ledger and the request of a judgement that runs are kept with their releases."""
    sample, scores, asked, stray = (shop.put(text) for text in ("sample", "scores", "asked", "stray"))
    release = shop.made("v1", fate="promoted", provenance={"sample": {"rows": sample}})
    shop.tell(
        kinds.VerdictGiven(release, "c", "", "", "pass", "ok", scores=scores),
        kinds.GateStarted(release, "", "gate-1", {"scores": [{"of": asked}]}),
    )
    shop.age()
    assert 1 == shop.collect().blobs
    assert {sample, scores, asked} <= shop.blobs() and stray not in shop.blobs()


def test_work_in_progress_is_left_alone(shop: Shop) -> None:
    """Files younger than a day stay, as do those that were stored since the oldest build that still runs began; a file
    that is stored again is young again."""
    young, again = shop.put("young"), shop.put("again")
    shop.age(DAY / 2)
    assert 0 == shop.collect().blobs
    shop.age()
    shop.tell(kinds.BuildStarted("c1", "k1", "build-1"))
    assert 0 == shop.collect().blobs  # the build began a month ago
    shop.tell(kinds.BuildFailed("c1", "k1", "user", "exit 1"))
    assert again == shop.put("again")
    assert 1 == shop.collect().blobs
    assert {again} == shop.blobs() and young not in shop.blobs()


def test_an_equal_commit_builds_again(shop: Shop) -> None:
    """A commit that leads back to what was removed is built anew, since no plan may name files that are gone."""
    shop.made("old")
    crowd(shop)
    back = kinds.ServiceWanted("/r", "c2", "back again", "a", "", {"service": "s", "train": "t"}, "p", "kold")
    shop.age()
    shop.collect()
    shop.tell(back)
    (started,) = plan(Snapshot(round(time.time() * 1000), shop.state(), (), (), 0)).facts  # type: ignore[arg-type]
    assert isinstance(started.body, kinds.BuildStarted)


def test_nothing_is_removed_while_something_cannot_be_read(shop: Shop) -> None:
    """Where a manifest that is needed is gone, nobody knows what else is needed: nothing is forgotten or removed."""
    shop.made("old")
    newer = crowd(shop)
    shop.age()
    name = newer[0].removeprefix("blake3:")
    (shop.folder / "store" / "blobs" / name[:2] / name).unlink()
    before = shop.blobs()
    with pytest.raises(Unavailable, match="is not stored"):
        shop.collect()
    assert before == shop.blobs()
    assert 1 + NEWEST_KEPT == len(shop.state().releases)


@pytest.mark.parametrize("call", [1, 3, 8, 16])
def test_a_kill_in_the_middle(shop: Shop, call: int) -> None:
    """Killed -9 before any of its changes to the disk, a collection leaves each release whole or forgotten, and the
    next one ends the work."""
    gone = [shop.made("old 1"), shop.made("old 2")]
    for release in gone:
        assert shop.whole(release)
    newer = crowd(shop)
    assert shop.whole(newer[0])
    shop.age()
    script = [sys.executable, "-m", KILLED, str(shop.folder), str(call)]
    ended = subprocess.run(script, cwd=ROOT, check=False, timeout=120)
    assert -signal.SIGKILL == ended.returncode
    known = shop.state().releases
    assert set(newer) <= set(known)
    assert all(shop.whole(release) for release in known)
    folders = [path for path in (shop.folder / "store" / "releases").iterdir() if "tmp-" not in path.name]
    assert all((path / "manifest.json").is_file() and (path / "model" / "model.txt").is_file() for path in folders)
    shop.collect()
    assert set(newer) == set(shop.state().releases)
    assert not set(gone) & shop.blobs()
    assert all(shop.whole(release) for release in newer)
    assert os.listdir(shop.folder / "store" / "releases")
