"""The control plane's process: the engine and the API on a Unix socket."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from windlass.adapters.artifacts import FileArtifacts
from windlass.adapters.compute.local import LocalCompute
from windlass.adapters.git import PygitRepositories, secrets_of
from windlass.adapters.keys import load_signer, make_key
from windlass.adapters.leftovers import LocalLeftovers
from windlass.adapters.machine import LocalMachine
from windlass.adapters.processes.listeners import listen
from windlass.adapters.sites import MailboxSites
from windlass.adapters.store.sqlite import SqliteStore
from windlass.adapters.world import RealChance, RealClock, RealTasks, files
from windlass.engine.loop import Engine
from windlass.engine.ports import EnginePorts
from windlass.sdk.homes import Home


async def control(home: Home) -> None:
    """Run the engine and the API until cancelled."""
    engine = Engine(engine_ports(home))
    tasks = RealTasks()
    try:
        tasks.spawn("engine", engine.run())
        tasks.spawn("api", _api(home, engine))
        await asyncio.Event().wait()
    finally:
        try:
            await tasks.stop()
        finally:
            await engine.ports.store.close()


def engine_ports(home: Home) -> EnginePorts:
    """The real adapters of one home; the signing key is made with the home."""
    key = str(home.control / "signing.key")
    make_key(key)
    signer = load_signer(key)
    _hand_over(home.site / "public.key", signer.public())
    return EnginePorts(
        clock=RealClock(),
        chance=RealChance(),
        store=SqliteStore(str(home.control / "facts.db"), executor="threads"),
        git=PygitRepositories(str(home.control / "git"), secrets_of(os.environ)),
        compute=LocalCompute(str(home.folder)),
        artifacts=FileArtifacts(str(home.store)),
        sites=MailboxSites(),
        signer=signer,
        machine=LocalMachine(str(home.folder)),
        leftovers=LocalLeftovers(str(home.folder)),
    )


def _hand_over(path: Path, text: str) -> None:
    """Sites read this whenever they start, on a full disk too: so it is replaced as a whole, and only if it differs."""
    if files.read_file(str(path)) != text.encode():
        files.write_file(str(path), text.encode())


async def _api(home: Home, engine: Engine) -> None:
    from windlass.api.app import make_app
    from windlass.api.server import serve

    await serve(make_app(engine, log_files(home)), listen(str(home.api_socket)))


def log_files(home: Home) -> Callable[[str, str, str], list[str]]:
    """Finds the log files of a service, oldest first: builds and gates of the control plane, replicas of the site."""

    def find(service: str, source: str, job: str) -> list[str]:
        if "/" in service or "/" in job or source not in ("build", "gate", "replica"):
            return []
        folder = home.site / "logs" if source == "replica" else home.control / "logs" / source
        found = [path for path in folder.glob("*.txt") if path.name.startswith(f"{service}-") and job in path.name]
        return [str(path) for path in sorted(found, key=lambda path: path.stat().st_mtime)]

    return find
