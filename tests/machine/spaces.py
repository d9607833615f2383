"""Stories in namespaces: a program of this folder runs where it has mounts or a network of its own.

`python -m tests.machine.spaces NAME` tells one story; it is started by `told`, under unshare.
"""

import fcntl
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.kit import GOOD, SERVICE, Windlass, windlass
from tests.machine.towns import ALL, PATIENT, calling, eventually, history, live

ROOT = Path(__file__).parents[2]
STORY_SECONDS_MAX = 280
_SET_FLAGS, _UP = 0x8914, 1  # SIOCSIFFLAGS and IFF_UP of Linux


def told(story: str, *spaces: str) -> str:
    """Tell a story in these namespaces; what it said, or a failure with everything that it said."""
    found = shutil.which("unshare")
    assert found, "not run: install util-linux (unshare), or run `make test-machine` as root on Debian"
    command = [found, *spaces, "--map-root-user", sys.executable, "-m", "tests.machine.spaces", story]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=STORY_SECONDS_MAX)
    words = ended.stdout + ended.stderr
    assert "unshare failed" not in words, f"not run: namespaces are not allowed here: {words}"
    assert 0 == ended.returncode, words
    return ended.stdout


@contextmanager
def small_disk(one: Windlass, folder: Path, megabytes: int) -> Iterator[None]:
    """A file system of its own at a folder; all is taken down before it goes, because what runs is noted there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "windlass", folder], check=True)
    try:
        yield
    finally:
        one.run("down")
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """No byte is free on the folder's disk while the block lasts."""
    ballast = folder / "ballast"
    try:
        _fill(ballast)
        yield
    finally:
        ballast.unlink()


def _fill(ballast: Path) -> None:
    with open(ballast, "ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue


def control_disk_full() -> None:
    """The control plane's disk is full: acts are refused in clear words, callers notice nothing, nothing is lost."""
    with windlass() as one, small_disk(one, one.home.control, 48):
        first = one.commit("v0", GOOD, PATIENT)
        one.up()
        live(one, first)
        seen = history(one, 0)
        with calling(one) as callers:
            with filled(one.home.control):
                refused = one.run("freeze", SERVICE, "--reason", "full")
                assert refused.returncode != 0, refused
                assert "disk is full" in refused.stderr, refused
                one.kill("control")
                callers.more()
            one.wait("the control plane is back", lambda item: item["state"] == "live")
            assert seen == history(one, seen), "a refused act is stored"
            assert 0 == one.run("freeze", SERVICE, "--reason", "room").returncode, one.log[-1]
            assert 0 == one.run("resume", SERVICE).returncode, one.log[-1]
            seen = history(one, seen)
            if ALL:
                second = one.commit("v1", GOOD, PATIENT)
                one.sync()
                live(one, second)
                history(one, seen)
        assert [] == callers.failures(), one.logs()


def site_disk_full() -> None:
    """The site's disk is full and the control plane dead: a person's rollback works all the same, killed processes come
    back, and the control plane adopts the act when it is there again."""
    with windlass() as one, small_disk(one, one.home.site, 100):
        first = one.commit("v0", GOOD, PATIENT)
        one.up()
        v0 = live(one, first)["live"]["release"]
        second = one.commit("v1", GOOD, PATIENT)
        one.sync()
        with calling(one) as callers:
            live(one, second)
            eventually("the reserve", lambda: (one.home.site / "journal.reserve").exists())
            one.kill("supervisor")
            one.kill("control")
            with filled(one.home.site):
                done = one.run("rollback", SERVICE, "--reason", "night")
                assert 0 == done.returncode, done.stderr
                at = len(callers.answers)
                eventually("v0 answers", lambda: any(one_.release == v0[7:19] for one_ in callers.answers[at:]))
        assert [] == callers.failures(), one.logs()
        one.up()
        item = one.wait("the act as a fact", lambda item: bool(item["live"]) and item["live"]["release"] == v0)
        assert "night" in item["frozen"]["reason"]


def no_network() -> None:
    """Without any network but the machine's own loopback a commit goes live, the next is rolled out, a person goes
    back."""
    with socket.socket() as probe:
        fcntl.ioctl(probe, _SET_FLAGS, struct.pack("16sh", b"lo", _UP))
    assert {"lo"} == {name for _, name in socket.if_nameindex()}
    with windlass() as one:
        v0 = one.commit("v0", GOOD, PATIENT)
        one.up()
        release = live(one, v0)["live"]["release"]
        v1 = one.commit("v1", GOOD, PATIENT)
        one.sync()
        with calling(one) as callers:
            live(one, v1)
            assert 0 == one.run("rollback", SERVICE, "--reason", "drill").returncode, one.log[-1]
            one.wait("v0 again", lambda item: bool(item["live"]) and item["live"]["release"] == release)
            callers.more()
        assert [] == callers.failures(), one.logs()


STORIES: dict[str, Callable[[], None]] = {
    story.__name__: story for story in (control_disk_full, site_disk_full, no_network)
}

if __name__ == "__main__":
    STORIES[sys.argv[1]]()
