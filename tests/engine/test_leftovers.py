"""`windlass gc` beside the store: environments, logs, job folders and mirrors that nothing can need again."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.shop import DAY, Shop
from windlass.adapters.git.mirrors import mirror_name
from windlass.delivery.services.names import replica_name
from windlass.engine.leftovers import LOGS_KEPT
from windlass.facts import types as kinds
from windlass.kernel.digests import digest_of, short

ROOT = Path(__file__).parents[2]
REMOTE, GONE = "https://example.org/watched.git", "https://example.org/gone.git"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def names(shop: Shop, *, dry_run: bool = False) -> list[str]:
    """What a collection takes, or would take, beside the store."""
    return [f"{one.kind} {one.name}" for one in shop.collect(dry_run=dry_run).leftovers]


def test_environments_that_a_kept_release_needs_stay(shop: Shop) -> None:
    """An environment stays while a kept release names it or its lock; another one goes, with its size said before."""
    named, by_lock, spare = (str(digest_of(name.encode())) for name in ("named", "by lock", "spare"))
    shop.made("v1", fate="promoted", provenance={"environment": named})
    folders = [shop.environment(named, "other"), shop.environment(by_lock, "lock"), shop.environment(spare, "none")]
    (told,) = shop.collect(dry_run=True).leftovers
    assert ("environment", spare[7:]) == (told.kind, told.name)
    assert (folders[2] / "environment.json").stat().st_size == told.size_bytes
    assert [True, True, True] == [folder.exists() for folder in folders]
    assert (told,) == shop.collect().leftovers
    assert [True, True, False] == [folder.exists() for folder in folders]
    assert [] == names(shop)


def test_environments_of_forgotten_releases_go(shop: Shop) -> None:
    """The environment of a release that is forgotten goes in the same collection; a young one waits a day."""
    needed, young = (str(digest_of(name.encode())) for name in ("needed", "young"))
    shop.made("old", provenance={"environment": needed})
    for number in range(10):
        shop.made(f"newer {number}")
    shop.environment(needed, "none")
    shop.environment(young, "none", seconds=DAY / 2)
    shop.age()
    assert [f"environment {needed[7:]}"] == names(shop, dry_run=True) == names(shop)


def test_logs_that_somebody_may_read_stay(shop: Shop) -> None:
    """Logs of kept releases and of running jobs stay, and the newest of each service and kind; older ones go."""
    release = shop.made("v1", fate="promoted", provenance={"log": "/somewhere/build/s-build-s-of-v1.txt"})
    shop.tell(
        kinds.BuildStarted("c1", "k1", "build-s-failed"),
        kinds.BuildFailed("c1", "k1", "user", "exit 1"),
        kinds.ServiceWanted("/r", "c1", "s", "a", "", {}, "p", "k1"),
    )
    kept = [f"build/s-{job}" for job in ("build-s-of-v1", "build-s-failed")]
    kept.append(f"gate/s-gate-s-{short(release)}-1-1")
    for name in (*kept, "build/s-build-s-old", "gate/s-gate-s-old", "build/other-build-other-x"):
        shop.lay(f"control/logs/{name}.txt", seconds=90 * DAY)
    for number in range(LOGS_KEPT):
        shop.lay(f"control/logs/build/s-build-s-{number}.txt", seconds=(30 + number) * DAY)
        shop.lay(f"control/logs/gate/s-gate-s-{number}.txt", seconds=(30 + number) * DAY)
    assert ["log build/s-build-s-old.txt", "log gate/s-gate-s-old.txt"] == names(shop)
    assert all((shop.folder / f"control/logs/{name}.txt").exists() for name in kept)


def test_logs_of_replicas_go_with_their_release(shop: Shop) -> None:
    """What a kept release's replicas said stays, older parts too; what those of an unknown one said goes."""
    kept, gone = (
        replica_name("s", release, 0, 0, 10.0) for release in (shop.made("v1", fate="promoted"), "blake3:gone")
    )
    for name in (f"{kept}.txt", f"{kept}.txt.1", f"{gone}.txt", f"{gone}.txt.1"):
        shop.lay(f"sites/local/logs/{name}", seconds=90 * DAY)
    assert [f"replica-log local/logs/{gone}.txt", f"replica-log local/logs/{gone}.txt.1"] == names(shop)
    assert 2 == len([*shop.folder.glob(f"sites/local/logs/{kept}.txt*")])


def test_folders_of_jobs_that_never_began_go(shop: Shop) -> None:
    """A request that was written before a crash, and that no fact asks for any more, goes; that of a wanted job and one
    whose result waits to be read stay."""
    for job in ("build-s-gone", "build-s-wanted"):
        shop.lay(f"control/jobs/{job}/request.json", "{}")
    request = '{"job": "build-s-known", "kind": "build", "service": "s", "body": {}}'
    shop.lay("control/jobs/build-s-known/request.json", request)
    shop.lay("control/jobs/build-s-known/result.json", "{}")
    shop.made("v1", fate="promoted")
    shop.tell(kinds.GateStarted(shop.release("v1"), "", "build-s-wanted"))
    assert ["job build-s-gone"] == names(shop)
    assert ["build-s-known", "build-s-wanted"] == sorted(path.name for path in shop.folder.glob("control/jobs/*"))


def test_mirrors_that_nobody_watches_go(shop: Shop) -> None:
    """The mirror of an address that is not watched goes; of one that a service came from or a job reads it stays."""
    shop.made("v1", fate="promoted")
    shop.tell(kinds.ServiceWanted(REMOTE, "c1", "s", "a", "", {}, "p", "k1"))
    shop.tell(kinds.GateStarted(shop.release("v1"), "", "g", {"repository": f"{REMOTE}2"}))
    for repository in (REMOTE, f"{REMOTE}2", GONE):
        shop.lay(f"control/git/{mirror_name(repository)}/HEAD")
    assert [f"mirror {mirror_name(GONE)}"] == names(shop)
    assert (shop.folder / "control/git" / mirror_name(REMOTE) / "HEAD").exists()


@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_a_kill_between_leaves_nothing_half(shop: Shop, call: int) -> None:
    """Killed -9 before any of its changes, a collection leaves an environment whole or without its name; the next one
    ends the work."""
    shop.made("v1", fate="promoted")
    environment = shop.environment(str(digest_of(b"spare")), "none")
    shop.lay(f"store/environments/{environment.name}/bin/python")
    script = [sys.executable, "-m", "tests.engine.killed_collection", str(shop.folder), str(call)]
    ended = subprocess.run(script, cwd=ROOT, check=False, timeout=120)
    assert -signal.SIGKILL == ended.returncode
    whole = {"environment.json", "bin/python"}
    left = {path.relative_to(environment).as_posix() for path in environment.rglob("*") if path.is_file()}
    assert left in (whole, set())
    assert names(shop)
    assert [] == list((shop.folder / "store/environments").iterdir())
