"""The control plane's process: the engine and the API on a Unix socket."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

from windlass.adapters.artifacts import FileArtifacts
from windlass.adapters.compute.local import LocalCompute
from windlass.adapters.git import PygitRepositories, secrets_of
from windlass.adapters.keys import load_signer, make_key
from windlass.adapters.machine import LocalMachine
from windlass.adapters.sites import MailboxSites
from windlass.adapters.store.sqlite import SqliteStore
from windlass.adapters.world import RealChance, RealClock, RealTasks
from windlass.engine.loop import Engine
from windlass.engine.ports import EnginePorts
from windlass.sdk.homes import Home


async def control(home: Home) -> None:
    """Run the engine and the API until cancelled."""
    engine = Engine(engine_ports(home))
    tasks = RealTasks()
    try:
        tasks.spawn("engine", engine.run())
        tasks.spawn("api", _serve(home, engine))
        await asyncio.Event().wait()
    finally:
        await tasks.stop()
        await engine.ports.store.close()


def engine_ports(home: Home) -> EnginePorts:
    """The real adapters of one home; the signing key is made with the home."""
    key = str(home.control / "signing.key")
    make_key(key)
    signer = load_signer(key)
    (home.site / "public.key").write_text(signer.public())
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
    )


async def _serve(home: Home, engine: Engine) -> None:
    import uvicorn

    from windlass.api.app import make_app
    from windlass.api.principals import PeerProtocol

    app = make_app(engine, log_files(home))
    listening = _listen(home.api_socket)
    server = uvicorn.Server(
        uvicorn.Config(
            app, http=PeerProtocol, ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=2
        )
    )
    with contextlib.closing(listening):
        await server._serve(sockets=[listening])  # `serve` would take the signals that our own main waits for


def _listen(path: Path) -> socket.socket:
    """A listening socket of mode 600 at a path that no other process of this home uses: we hold its lock."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    listening.listen(128)
    return listening


def log_files(home: Home) -> Callable[[str, str, str], list[str]]:
    """Finds the log files of a service, oldest first: builds and gates of the control plane, replicas of the site."""

    def find(service: str, source: str, job: str) -> list[str]:
        if "/" in service or "/" in job or source not in ("build", "gate", "replica"):
            return []
        folder = home.site / "logs" if source == "replica" else home.control / "logs" / source
        found = [path for path in folder.glob("*.txt") if path.name.startswith(f"{service}-") and job in path.name]
        return [str(path) for path in sorted(found, key=lambda path: path.stat().st_mtime)]

    return find
