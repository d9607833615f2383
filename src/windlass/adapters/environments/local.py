"""Environments of services on this machine's disk.

    environments/<64 hex>/    a virtual environment and environment.json, written last: without it nothing is there
    overlays/<name>/          see overlays.py
    cache/environments/       which environment the same requirements led to before

A virtual environment cannot be moved, but its name, the digest of its lock, is known only once it is filled. So it is
made under a name of the same length, which is then replaced in its scripts.
"""

import asyncio
import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

from windlass.adapters.environments import interpreters, overlays
from windlass.adapters.environments.installers import Installation, Installers
from windlass.adapters.environments.interpreters import OUR_PYTHON, PLATFORM
from windlass.adapters.environments.requirements import Declared, declared, python_version
from windlass.adapters.world.files import disk_trouble, make_folder, read_file, write_file
from windlass.delivery.builds.keys import environment_digest
from windlass.kernel.digests import Digest, digest_of_value, hex_of
from windlass.kernel.errors import Unavailable, UserMistake
from windlass.ports.environments import Environment
from windlass.ports.processes import Processes

_ABANDONED_SECONDS = 86_400
_FORMAT = 1


class LocalEnvironments:
    """Environments below the store's folder.

    Args:
        store: `HOME/store`, absolute.
        processes: runs interpreters and installers.
    """

    def __init__(self, store: str, processes: Processes) -> None:
        self._store = Path(store)
        self._processes = processes
        self._installers = Installers(processes, f"{store}/cache")
        self._own: Environment | None = None

    async def prepare(self, folder: str, python: str, log: str, *, fresh: bool = False) -> Environment:
        """The environment of an exported service folder; see `Environments.prepare`. `fresh` resolves again."""
        wanted = declared(folder)
        version = python_version(folder, python, OUR_PYTHON)
        if not wanted.files and version == OUR_PYTHON:
            return self._ours()
        known = self._known(wanted, version)
        if not fresh and (found := await self._remembered(known)):
            return found
        environment = await self._make(version, log, lambda into: self._fill(wanted, folder, into, log))
        write_file(str(known), json.dumps({"environment": environment.digest}).encode())
        return environment

    async def locate(self, digest: Digest) -> Environment | None:
        """An environment that was made before and is complete, or the one that we run in ourselves."""
        if digest == self._ours().digest:
            return self._ours()
        folder = self._folder(digest)
        record = read_file(f"{folder}/environment.json")
        if record is None or not os.path.exists(f"{folder}/bin/python"):
            return None
        stored = json.loads(record)
        overlay = await self._overlay_for(stored["python"], f"{folder}/bin/python")
        return Environment(digest, f"{folder}/bin/python", stored["lock"], overlay, stored["python"], PLATFORM)

    async def restore(self, lock: str, python_version: str, log: str) -> Environment:
        """An environment from a release's own lock."""
        digest = environment_digest(python_version, PLATFORM, lock)
        if found := await self.locate(digest):
            return found
        environment = await self._make(python_version, log, lambda into: self._fill_exactly(lock, into, log))
        if environment.digest != digest:
            what = "the lock of the release did not lead to the packages that it names"
            raise Unavailable(what, code="environment", remedy="see that the package index still has these versions")
        return environment

    def _ours(self) -> Environment:
        if self._own is None:
            lock = interpreters.our_lock()
            digest = environment_digest(OUR_PYTHON, PLATFORM, lock)
            self._own = Environment(digest, sys.executable, lock, "", OUR_PYTHON, PLATFORM)
        return self._own

    def _known(self, wanted: Declared, version: str) -> Path:
        key = digest_of_value([_FORMAT, version, PLATFORM, wanted.files])
        return self._store / "cache/environments" / f"{hex_of(key)}.json"

    async def _remembered(self, known: Path) -> Environment | None:
        record = read_file(str(known))
        return await self.locate(Digest(json.loads(record)["environment"])) if record else None

    async def _make(self, version: str, log: str, fill: Callable[[str], Awaitable[None]]) -> Environment:
        base = await interpreters.find(version, self._processes)
        root = self._store / "environments"
        make_folder(str(root))
        _remove_abandoned(root)
        pending = root / f"pending-{uuid.uuid4().hex}{uuid.uuid4().hex}"[:64]
        try:
            python = await self._installers.make(base, str(pending), log)
            await fill(python)
            lock = await interpreters.lock_of(python, str(pending / "lock.json"), self._processes)
            overlays.check_versions(lock)
            return await self._finish(pending, version, lock)
        finally:
            await asyncio.to_thread(shutil.rmtree, pending, True)

    async def _finish(self, pending: Path, version: str, lock: str) -> Environment:
        digest = environment_digest(version, PLATFORM, lock)
        folder = self._folder(digest)
        record = json.dumps({"python": version, "platform": PLATFORM, "lock": lock}).encode()
        try:
            await asyncio.to_thread(_rename_scripts, pending, folder)
            await asyncio.to_thread(os.sync)  # thousands of small files: one sync is quicker than one for each
            write_file(f"{pending}/environment.json", record, 0o644)
            if not folder.exists():
                pending.rename(folder)
        except OSError as error:
            raise disk_trouble(error, str(folder)) from error
        found = await self.locate(digest)
        if found is None:
            raise Unavailable(
                "the environment is incomplete", code="environment", where=str(folder), remedy="remove it"
            )
        return found

    async def _fill(self, wanted: Declared, folder: str, python: str, log: str) -> None:
        into = Path(python).parent.parent / "requirements.in"
        if wanted.name == "uv.lock":
            await self._installers.export_uv(folder, str(into), log)
        elif wanted.name in ("requirements.txt", "requirements.lock"):
            into = Path(folder) / wanted.name  # where its own includes are found
        else:
            into.write_text(wanted.text, encoding="utf-8")
        if wanted.files:
            hashed = ("--require-hashes",) if wanted.is_hashed else ()
            await self._installers.install(Installation(folder, (*hashed, "-r", str(into)), python, log))

    async def _fill_exactly(self, lock: str, python: str, log: str) -> None:
        into = Path(python).parent.parent / "requirements.in"
        into.write_text(lock, encoding="utf-8")
        if lock:
            await self._installers.install(Installation(str(into.parent), ("--no-deps", "-r", str(into)), python, log))

    async def _overlay_for(self, version: str, python: str) -> str:
        """The overlay of our present version; where it cannot be made now, the newest one that was made before."""
        folder = self._store / "overlays" / overlays.overlay_name(version)
        if folder.exists():
            return str(folder)
        try:
            return await self._make_overlay(folder, version, python)
        except (Unavailable, UserMistake):
            older = sorted((self._store / "overlays").glob(f"{version}-*"), key=lambda path: path.stat().st_mtime)
            if not older:
                raise
            return str(older[-1])

    async def _make_overlay(self, folder: Path, version: str, python: str) -> str:
        pending = folder.with_name(f"pending-{uuid.uuid4().hex}")
        make_folder(str(folder.parent))
        try:
            await asyncio.to_thread(overlays.copy_ourselves, pending)
            if version == OUR_PYTHON:
                await asyncio.to_thread(overlays.copy_installed, pending, tuple(overlays.overlay_versions()))
            else:
                exact = tuple(f"{name}=={number}" for name, number in overlays.overlay_versions().items())
                arguments = ("--no-deps", "--target", str(pending), *exact)
                await self._installers.install(Installation(str(folder.parent), arguments, python, ""))
            if not folder.exists():
                pending.rename(folder)
        except OSError as error:
            raise disk_trouble(error, str(folder)) from error
        finally:
            await asyncio.to_thread(shutil.rmtree, pending, True)
        return str(folder)

    def _folder(self, digest: Digest) -> Path:
        return self._store / "environments" / hex_of(digest)


def lock_of_environment(folder: str) -> str | None:
    """The lock that a whole environment was filled from; None where it is not whole."""
    record = read_file(f"{folder}/environment.json")
    return None if record is None else str(json.loads(record)["lock"])


def _rename_scripts(pending: Path, folder: Path) -> None:
    """Let the environment's scripts name the folder it will have; both names have the same length."""
    before, after = str(pending).encode(), str(folder).encode()
    for path in (pending / "bin").iterdir():
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if before in data:
                path.write_bytes(data.replace(before, after))


def _remove_abandoned(root: Path) -> None:
    """Remove what builds that were killed left half made."""
    for path in root.glob("pending-*"):
        if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
