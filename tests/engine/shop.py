"""A control plane with a real store and real files: releases of a few bytes, and the facts about them."""

import asyncio
import json
import os
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from windlass.adapters.artifacts import FileArtifacts
from windlass.adapters.compute.local import LocalCompute
from windlass.adapters.leftovers import LocalLeftovers
from windlass.adapters.store.sqlite import SqliteStore
from windlass.adapters.world import RealClock
from windlass.delivery.releases.manifest import ManifestFile, write_manifest
from windlass.engine.collect import Collected, collect
from windlass.engine.commands import Principal
from windlass.engine.commit import commit_facts
from windlass.engine.loop import Engine
from windlass.engine.ports import EnginePorts
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.state import ServiceState
from windlass.kernel.digests import Digest
from windlass.kernel.instants import Instant

T = TypeVar("T")
ANN = Principal("ann")
DAY = 86_400.0


def run(work: Coroutine[Any, Any, T]) -> T:
    """Wait for some work."""
    return asyncio.run(work)


@dataclass
class Shop:
    """One service, `s`. Facts are one second apart, a month ago; files are as old as the test says."""

    folder: Path

    def __post_init__(self) -> None:
        self.artifacts = FileArtifacts(str(self.folder / "store"))
        self.count = 0

    def engine(self) -> Engine:
        """A control plane that reads what is on the disk. It touches nothing but its store, its files and its clock."""
        rest = dict.fromkeys(("chance", "git", "sites", "signer", "machine"))
        store, home = SqliteStore(str(self.folder / "facts.db"), executor="inline"), str(self.folder)
        lying: Any = {"compute": LocalCompute(home), "leftovers": LocalLeftovers(home)}
        ports: Any = {"clock": RealClock(), "store": store, "artifacts": self.artifacts, **lying, **rest}
        return Engine(EnginePorts(**ports))

    def put(self, text: str) -> str:
        """A file of its own."""
        return run(self.artifacts.put(text.encode()))

    def release(self, name: str, shared: str = "lock") -> str:
        """A release of two files, of which it shares one with all others."""
        texts = {"model/model.txt": f"model {name}", "env/lock.txt": shared}
        files = [ManifestFile(path, len(text), Digest(self.put(text))) for path, text in texts.items()]
        return run(self.artifacts.put(write_manifest(files)))

    def tell(self, *bodies: Any) -> None:
        """Store facts about the service."""

        async def store() -> None:
            engine = self.engine()
            stored = await engine.ports.store.load()
            now = round(time.time() * 1000) - 30 * 86_400_000
            facts = [Fact("s", Instant(now + 1000 * (self.count + number)), body) for number, body in enumerate(bodies)]
            self.count += len(bodies)
            assert (await commit_facts(engine.ports.store, stored, facts)).won
            await engine.ports.store.close()

        run(store())

    def made(self, name: str, *, fate: str = "superseded", provenance: Mapping[str, object] | None = None) -> str:
        """A release with its facts: built, judged, and come to its end."""
        release = self.release(name)
        made = kinds.ReleaseMade(f"c{name}", f"k{name}", release, 1.0, 10, "python", {}, provenance or {})
        ended = {"": (), "superseded": (kinds.ReleaseSuperseded(release, "r"),), "promoted": self._promoted(release)}
        self.tell(made, *ended[fate])
        return release

    def _promoted(self, release: str) -> tuple[Any, ...]:
        started = kinds.RolloutStarted("r1", release, "c", "", (1.0,), "first")
        return (started, kinds.RolloutEnded("r1", release, "promoted", "shown safe"))

    def age(self, seconds: float = 2 * DAY) -> None:
        """All files are this old."""
        then = time.time() - seconds
        for path in (self.folder / "store" / "blobs").rglob("*"):
            os.utime(path, (then, then))

    def lay(self, path: str, text: str = "some bytes", *, seconds: float = 2 * DAY) -> Path:
        """A file below the home that is this old, and so are the folders above it."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        then = time.time() - seconds
        for one in (file, *file.parents):
            if one != self.folder and self.folder in one.parents:
                os.utime(one, (then, then))
        return file

    def environment(self, digest: str, lock: str, *, seconds: float = 2 * DAY) -> Path:
        """A whole environment with this lock, under the name of a digest."""
        name = digest.removeprefix("blake3:")
        record = self.lay(f"store/environments/{name}/environment.json", json.dumps({"lock": lock}), seconds=seconds)
        return record.parent

    def collect(self, *, dry_run: bool = False) -> Collected:
        """One collection by a control plane that has just started."""

        async def once() -> Collected:
            engine = self.engine()
            try:
                return await collect(engine, ANN, dry_run=dry_run)
            finally:
                await engine.ports.store.close()

        return run(once())

    def blobs(self) -> set[str]:
        """What is stored."""
        return {str(blob.digest) for blob in run(self.artifacts.blobs())}

    def state(self) -> ServiceState:
        """The service as stored."""

        async def load() -> ServiceState:
            engine = self.engine()
            stored = await engine.ports.store.load()
            await engine.ports.store.close()
            return replace(stored.services["s"])

        return run(load())

    def whole(self, release: str) -> bool:
        """Whether every file of a release can still be read, and its folder be made."""
        fresh = FileArtifacts(str(self.folder / "store"))
        return (Path(run(fresh.materialise(Digest(release)))) / "model" / "model.txt").is_file()
