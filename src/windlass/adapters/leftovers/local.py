"""What lies around in one home.

    store/environments/<64 hex>/, store/overlays/<python>-<hex>/    see adapters/environments
    control/jobs/<job>/, control/logs/<kind>/<service>-<job>.txt    see adapters/compute
    control/git/<hex>.git/                                          see adapters/git
    sites/<site>/logs/<replica>.txt, <replica>.txt.1                see adapters/replicas

A folder that goes takes another name first, so that nobody ever finds half of it; what a crash leaves under such a name
is found as `remains`. An environment is in use where a job holds them all (`environments/holding.py`), or where a
process runs that was started with its path: a replica, or the zygote that it was forked from.
"""

import asyncio
import os
import secrets
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from windlass.adapters.environments.holding import alone
from windlass.adapters.environments.local import lock_of_environment
from windlass.adapters.git.mirrors import mirror_name
from windlass.adapters.processes import families
from windlass.adapters.world.files import disk_trouble, remove_tree
from windlass.kernel.digests import Digest, digest_of
from windlass.kernel.instants import Instant
from windlass.ports.leftovers import Leftover

GOING = ".going-"
_SHARED = ("environment", "overlay")
_FOLDERS = (*_SHARED, "job", "mirror")


class LocalLeftovers:
    """The leftovers of one home.

    Args:
        home: the home folder, absolute.
    """

    def __init__(self, home: str) -> None:
        self._home = Path(home)
        self._store = self._home / "store"
        self._folders = {
            "environment": self._store / "environments",
            "overlay": self._store / "overlays",
            "job": self._home / "control/jobs",
            "log": self._home / "control/logs",
            "replica-log": self._home / "sites",
            "mirror": self._home / "control/git",
        }

    async def found(self, repositories: Collection[str]) -> tuple[Leftover, ...]:
        """Everything that no process uses now; see `Leftovers.found`."""
        return await asyncio.to_thread(self._guarded, lambda: self._found(frozenset(repositories)))

    async def remove(self, leftovers: Collection[Leftover]) -> tuple[Leftover, ...]:
        """Remove these; see `Leftovers.remove`."""
        return await asyncio.to_thread(self._guarded, lambda: self._removed(leftovers))

    def _guarded(self, work: Callable[[], tuple[Leftover, ...]]) -> tuple[Leftover, ...]:
        try:
            return work()
        except OSError as error:
            raise disk_trouble(error, str(error.filename or self._home)) from error

    def _found(self, repositories: frozenset[str]) -> tuple[Leftover, ...]:
        running = families.command_lines()
        watched = {mirror_name(name) for name in repositories}
        newest = set(_newest_of_each_python(self._folders["overlay"]))
        kinds = {
            "environment": [one for one in self._whole("environment") if not _is_used(one, running)],
            "overlay": [one for one in self._whole("overlay") if one not in newest and not _is_used(one, running)],
            "job": self._whole("job"),
            "log": sorted(self._folders["log"].glob("*/*.txt")),
            "replica-log": sorted(self._folders["replica-log"].glob("*/logs/*.txt*")),
            "mirror": [one for one in self._whole("mirror") if one.name not in watched],
            "remains": [one for kind in _FOLDERS for one in sorted(self._folders[kind].glob(f"*{GOING}*"))],
            "unfinished": [one for kind in _SHARED for one in sorted(self._folders[kind].glob("pending-*"))],
        }
        return tuple(one for kind, paths in kinds.items() for path in paths for one in self._described(kind, path))

    def _whole(self, kind: str) -> list[Path]:
        return [path for path in _folders_in(self._folders[kind]) if not path.name.startswith("pending-")]

    def _described(self, kind: str, path: Path) -> list[Leftover]:
        """The leftover at a path; none where somebody else, who owns it, has removed it in between."""
        name = path.relative_to(self._folders.get(kind, self._home)).as_posix()
        try:
            digests = _digests(path) if kind == "environment" else ()
            changed = max(entry.lstat().st_mtime for entry in (path, *_entries(path)))
            return [Leftover(kind, name, _size(path), Instant(round(changed * 1000)), digests)]
        except FileNotFoundError:
            return []

    def _removed(self, leftovers: Iterable[Leftover]) -> tuple[Leftover, ...]:
        gone: list[tuple[Leftover, Path]] = []
        chosen = [(one, self._path(one)) for one in leftovers]
        with alone(str(self._store)) as is_alone:
            running = families.command_lines()
            for one, path in chosen:
                if one.kind in _SHARED and is_alone and not _is_used(path, running):
                    gone += _set_aside(one, path)
        for one, path in chosen:
            if one.kind in ("job", "mirror"):
                gone += _set_aside(one, path)
            elif one.kind not in _SHARED:
                gone.append((one, path))
        return tuple(one for one, path in gone if _is_removed(path))

    def _path(self, one: Leftover) -> Path:
        return self._folders.get(one.kind, self._home) / one.name


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if GOING not in path.name and path.is_dir())


def _newest_of_each_python(overlays: Path) -> Iterable[Path]:
    """The overlay that is used next, and that still serves where a newer one cannot be made."""
    newest: dict[str, Path] = {}
    for path in sorted(_folders_in(overlays), key=lambda one: (one.stat().st_mtime_ns, one.name)):
        newest[path.name.partition("-")[0]] = path
    return newest.values()


def _is_used(path: Path, running: Iterable[bytes]) -> bool:
    mark = os.fsencode(path)
    return any(mark in line for line in running)


def _digests(environment: Path) -> tuple[Digest, ...]:
    lock = lock_of_environment(str(environment))
    own = Digest(f"blake3:{environment.name}")
    return (own,) if lock is None else (own, digest_of(lock.encode()))


def _entries(path: Path) -> list[Path]:
    """What lies in a folder: a file that is written again does not touch its folder."""
    return list(path.iterdir()) if path.is_dir() else []


def _size(path: Path) -> int:
    """The bytes that no other name holds."""
    if not path.is_dir() or path.is_symlink():
        found = path.lstat()
        return found.st_size if found.st_nlink == 1 else 0
    return sum(_size_of_files(above, names) for above, _, names in os.walk(path))


def _size_of_files(above: str, names: Iterable[str]) -> int:
    found = (os.lstat(os.path.join(above, name)) for name in names)
    return sum(one.st_size for one in found if one.st_nlink == 1)


def _is_removed(path: Path) -> bool:
    """Remove what lies there; False where another collection was faster."""
    if path.is_dir():
        remove_tree(str(path))
        return True
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _set_aside(one: Leftover, path: Path) -> list[tuple[Leftover, Path]]:
    going = path.with_name(f"{path.name}{GOING}{secrets.token_hex(4)}")
    try:
        path.rename(going)
    except FileNotFoundError:
        return []  # another collection was faster
    return [(one, going)]
