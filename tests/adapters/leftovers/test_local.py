"""What lies around in a home: only what nobody uses is found, and what came into use is not removed."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from windlass.adapters.environments.holding import held
from windlass.adapters.git.mirrors import mirror_name
from windlass.adapters.leftovers import LocalLeftovers
from windlass.kernel.digests import digest_of
from windlass.kernel.errors import Unavailable
from windlass.kernel.instants import Instant
from windlass.ports.leftovers import KINDS, Leftover

ENVIRONMENT = "e" * 64
REMOTE = "https://example.org/models.git"


def lay(path: Path, text: str = "12345") -> Path:
    """A file with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def found(home: Path, *repositories: str) -> list[Leftover]:
    """What lies around."""
    return list(asyncio.run(LocalLeftovers(str(home)).found(repositories)))


def remove(home: Path, *leftovers: Leftover) -> list[Leftover]:
    """What of these really went."""
    return list(asyncio.run(LocalLeftovers(str(home)).remove(leftovers)))


@contextmanager
def running(*arguments: str) -> Iterator[None]:
    """A process that was started with these arguments."""
    with subprocess.Popen([sys.executable, "-c", "input()", *arguments], stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.communicate(b"\n")


def test_each_kind_is_found_and_goes(tmp_path: Path) -> None:
    """Environments, overlays, job folders, logs, mirrors and halves of them are found with their sizes, and removed."""
    lay(tmp_path / "store/environments" / ENVIRONMENT / "environment.json", json.dumps({"lock": "a==1\n"}))
    lay(tmp_path / "store/environments/pending-1/bin/python")
    lay(tmp_path / "store/overlays/3.11-old/windlass/a.py")
    lay(tmp_path / "store/overlays/3.11-then/windlass/a.py")
    lay(tmp_path / "store/overlays/3.12-then/windlass/a.py")
    lay(tmp_path / "control/jobs/build-1/deep/file").parent.chmod(0o500)
    lay(tmp_path / "control/logs/build/s-build-1.txt")
    lay(tmp_path / "sites/local/logs/s-12345678-0.txt")
    lay(tmp_path / "sites/local/logs/s-12345678-0.txt.1")
    lay(tmp_path / "control/git/abc.git/HEAD")
    lay(tmp_path / "control/git/def.git.going-12345678/HEAD")
    seen = found(tmp_path)
    assert [
        ("environment", ENVIRONMENT, len(json.dumps({"lock": "a==1\n"}))),
        ("overlay", "3.11-old", 5),
        ("job", "build-1", 5),
        ("log", "build/s-build-1.txt", 5),
        ("replica-log", "local/logs/s-12345678-0.txt", 5),
        ("replica-log", "local/logs/s-12345678-0.txt.1", 5),
        ("mirror", "abc.git", 5),
        ("remains", "control/git/def.git.going-12345678", 5),
        ("unfinished", "store/environments/pending-1", 5),
    ] == sorted(((one.kind, one.name, one.size_bytes) for one in seen), key=lambda one: (KINDS.index(one[0]), one[1]))
    assert (f"blake3:{ENVIRONMENT}", digest_of(b"a==1\n")) == seen[0].digests
    assert seen == remove(tmp_path, *seen)
    assert [] == found(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"store/overlays/3.11-then/windlass/a.py", "store/overlays/3.12-then/windlass/a.py"} == left


def test_an_empty_home_has_none(tmp_path: Path) -> None:
    """A home in which nothing ever ran has nothing lying around; an environment without its record has its name."""
    assert [] == found(tmp_path)
    lay(tmp_path / "store/environments" / ENVIRONMENT / "bin/python")
    assert [(f"blake3:{ENVIRONMENT}",)] == [one.digests for one in found(tmp_path)]


def test_what_a_process_runs_in_is_not_found(tmp_path: Path) -> None:
    """An environment and an overlay that a process was started with are in use, and stay when it begins too late."""
    folder = lay(tmp_path / "store/environments" / ENVIRONMENT / "bin/python").parents[1]
    lay(tmp_path / "store/overlays/3.11-a/windlass/a.py")
    lay(tmp_path / "store/overlays/3.11-b/windlass/a.py")
    seen = found(tmp_path)
    assert 2 == len(seen)
    with running(f"{folder}/bin/python", *(f"{tmp_path}/store/overlays/3.11-{name}" for name in "ab")):
        assert [] == found(tmp_path)
        assert [] == remove(tmp_path, *seen)
    assert seen == remove(tmp_path, *seen)


def test_while_a_job_runs_no_environment_goes(tmp_path: Path) -> None:
    """A job holds all environments, since it learns late which one it needs; everything else goes."""
    lay(tmp_path / "store/environments" / ENVIRONMENT / "bin/python")
    log = lay(tmp_path / "control/logs/build/a.txt")
    with held(str(tmp_path / "store")), held(str(tmp_path / "store")):
        assert ["log"] == [one.kind for one in remove(tmp_path, *found(tmp_path))]
    assert not log.exists()
    assert ["environment"] == [one.kind for one in remove(tmp_path, *found(tmp_path))]


def test_mirrors_of_what_is_read_stay(tmp_path: Path) -> None:
    """The mirror of a repository that is read is not found; a local path and a broken address have none."""
    lay(tmp_path / "control/git" / mirror_name(REMOTE) / "HEAD")
    assert [] == found(tmp_path, REMOTE, "/a/path", "ftp://example.org/a")
    assert ["mirror"] == [one.kind for one in found(tmp_path, "/a/path")]
    assert ("", "") == (mirror_name("/a/path"), mirror_name("ftp://example.org/a"))


def test_bytes_with_another_name_do_not_count(tmp_path: Path) -> None:
    """Bytes that an installer's cache holds under another name would not become free."""
    python = lay(tmp_path / "store/environments" / ENVIRONMENT / "bin/python")
    (tmp_path / "cached").hardlink_to(python)
    assert [0] == [one.size_bytes for one in found(tmp_path)]


def test_what_is_gone_already_is_no_trouble(tmp_path: Path) -> None:
    """Two collections at once take everything away once, and only one of them says so."""
    lay(tmp_path / "control/jobs/build-1/request.json")
    lay(tmp_path / "control/logs/build/a.txt")
    seen = found(tmp_path)
    remove(tmp_path, *seen)
    assert [] == remove(tmp_path, *seen)


def test_a_disk_that_fails_is_told(tmp_path: Path) -> None:
    """An error of the disk names the place."""
    lay(tmp_path / "control")
    with pytest.raises(Unavailable, match=r"the disk failed: Not a directory"):
        remove(tmp_path, Leftover("log", "a/b.txt", 1, Instant(1)))
