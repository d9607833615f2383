"""Real model servers over small releases, in a home folder that is short enough for sockets."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from windlass.adapters.artifacts import FileArtifacts
from windlass.adapters.environments.interpreters import our_lock
from windlass.adapters.environments.local import LocalEnvironments
from windlass.adapters.processes.local import LocalProcesses
from windlass.adapters.processes.zygotes import Zygotes
from windlass.adapters.replicas import LocalReplicas, ReplicaSettings
from windlass.adapters.world import RealClock
from windlass.delivery.releases.manifest import ManifestFile, write_manifest
from windlass.kernel.digests import Digest, digest_of
from windlass.ports.replicas import ReplicaProcess

GOOD = """
import time

class Model:
    def setup(self):
        self.number = {number}

    def predict(self, rows):
        time.sleep({seconds})
        return [self.number for _ in range(len(rows["x"]))]
"""
BAD = """
class Model:
    def setup(self):
        raise RuntimeError("the weights are missing")

    def predict(self, rows):
        return []
"""
SIGNATURE = {
    "inputs": [{"name": "x", "datatype": "FP64", "shape": [-1]}],
    "outputs": [{"name": "prediction", "datatype": "FP64", "shape": [-1]}],
    "columns": [{"name": "x", "datatype": "FP64", "required": True, "nullable": False, "categories": []}],
    "classes": [],
    "prediction": "prediction",
    "probability": "",
}


async def store_release(artifacts: FileArtifacts, code: str, env: Mapping[str, str] | None = None) -> Digest:
    """A release whose model is a Python class, and whose file declares these variables."""
    run = {"format": "python", "target": "service:Model", "allow": [], "model": "", "env": env or {}}
    files = {
        "code/service.py": code.encode(),
        "env/lock.txt": our_lock().encode(),
        "env/python.txt": f"{sys.version_info.major}.{sys.version_info.minor}\n".encode(),
        "run.json": json.dumps(run).encode(),
        "signature.json": json.dumps(SIGNATURE).encode(),
        "model/about.txt": b"nothing to load",
    }
    entries = [ManifestFile(path, len(data), digest_of(data)) for path, data in files.items()]
    for data in files.values():
        await artifacts.put(data)
    return await artifacts.put(write_manifest(entries))


def good(number: float = 1.0, seconds: float = 0.0) -> str:
    """Code of a model that answers `number` after a while."""
    return GOOD.format(number=number, seconds=seconds)


class ReplicaScene:
    """Replicas in a folder of their own."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.clock = RealClock()
        self.artifacts = FileArtifacts(f"{folder}/store")
        self.good = ""
        self.bad = ""
        self.replicas = self.again()

    def again(self, zygotes: Zygotes | None = None) -> LocalReplicas:
        """The adapter as a restarted agent has it."""
        settings = ReplicaSettings(f"{self.folder}/site", f"{self.folder}/r")
        environments = LocalEnvironments(f"{self.folder}/store", LocalProcesses())
        self.replicas = LocalReplicas(settings, self.artifacts, environments, self.clock, zygotes)
        return self.replicas

    async def open(self) -> None:
        self.good = await store_release(self.artifacts, good())
        self.bad = await store_release(self.artifacts, BAD)

    async def crash(self, replica: ReplicaProcess) -> None:
        os.kill(replica.pid, signal.SIGKILL)

    async def close(self) -> None:
        for one in await self.replicas.look():
            await self.replicas.stop(one.name, 1.0)
        while await self.replicas.look():
            await asyncio.sleep(0.02)
        self.replicas.close()

    def log(self, name: str) -> str:
        return Path(self.folder, "site", "logs", f"{name}.txt").read_text()


@contextlib.asynccontextmanager
async def replica_scene() -> AsyncIterator[ReplicaScene]:
    """An empty site with two releases in its store."""
    folder = tempfile.mkdtemp(prefix="wl-")
    scene = ReplicaScene(folder)
    try:
        await scene.open()
        yield scene
    finally:
        await scene.close()
        for path, folders, _ in os.walk(folder):
            for name in folders:
                os.chmod(os.path.join(path, name), 0o700)
        shutil.rmtree(folder)
