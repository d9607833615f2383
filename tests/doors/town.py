"""A simulated control plane and site behind real sockets: the API, the site's door, a virtual second each moment."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import uvicorn

from windlass.adapters.simulated.world import SimulatedClock
from windlass.api.app import make_app
from windlass.api.principals import PeerProtocol
from windlass.sdk.homes import Home, home_at, make_folders
from windlass.sim.session import Session
from windlass.sim.world import World
from windlass.site.socket import door

T = TypeVar("T")
DEADLINE_SECONDS = 60.0
LIVE = ("service doctor-visits", 'commit "v1"', "tick until live")
ROLLING = (*LIVE, "traffic 20/s", "tick 20s", 'commit "v2"', "tick until soaking")


class PatientClock(SimulatedClock):
    """Virtual time that only ticks move; whoever sleeps lets the others run."""

    async def sleep(self, seconds: float) -> None:
        """A moment, whatever was asked for."""
        await asyncio.sleep(0.002)


class Town:
    """One home whose control plane and site agent are simulated.

    Args:
        home: where the sockets and logs lie.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.session = Session()
        self.logs: dict[str, list[str]] = {}
        self._loop = asyncio.new_event_loop()
        self._lock = asyncio.Lock()
        self._servers: dict[str, uvicorn.Server] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def world(self) -> World:
        """The simulated world."""
        return self.session.playing()

    def play(self, *lines: str) -> list[str]:
        """Lines of a text session; the doors open with the first."""
        return self.run(self._play(lines))

    async def _play(self, lines: tuple[str, ...]) -> list[str]:
        answers: list[str] = []
        async with self._lock:
            for line in lines:
                answers += await self.session.run(line)
        return answers

    def open(self) -> None:
        """Open both doors, and let time pass."""
        self.run(self._open())

    async def _open(self) -> None:
        engine, agent = self.world.engine, self.world.agent
        assert engine is not None and agent is not None
        app = make_app(engine, lambda service, source, job: self.logs.get(source, []))
        await self._serve("api", app, self.home.api_socket)
        await self._serve("site", door(agent), self.home.site_socket)
        self._tasks.append(asyncio.ensure_future(self._tick()))

    async def _serve(self, name: str, app: Any, path: Path) -> None:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(path))
        listening.listen(64)
        config = uvicorn.Config(app, http=PeerProtocol, ws="none", log_config=None, access_log=False, lifespan="off")
        server = self._servers[name] = uvicorn.Server(config)
        self._tasks.append(asyncio.ensure_future(server._serve([listening])))
        while not server.started:
            await asyncio.sleep(0.002)

    async def _tick(self) -> None:
        while True:
            async with self._lock:
                await self.world.tick()
            await asyncio.sleep(0.005)

    def kill_control(self) -> None:
        """The control plane is gone: its socket refuses, the site goes on."""
        self._servers["api"].should_exit = True
        self.run(self._play(("kill control",)))
        deadline = threading.Event()
        while self.home.api_socket.exists() and not deadline.wait(0.01) and self._listens():
            pass

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(self.home.api_socket))
            except OSError:
                return False
        return True

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something where the world lives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_SECONDS)

    def close(self) -> None:
        """Close the doors and end the world."""
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_SECONDS)
        self._loop.close()

    async def _close(self) -> None:
        for server in self._servers.values():
            server.should_exit = True
        for task in reversed(self._tasks):
            if task is self._tasks[-1]:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self.session.world is not None:
            await self.session.world.store.close()


@contextlib.contextmanager
def town(folder: Path) -> Iterator[Town]:
    """A town whose home lies below a folder."""
    home = home_at(folder)
    make_folders(home)
    made = Town(home)
    with mock.patch("windlass.sim.world.SimulatedClock", PatientClock):
        try:
            yield made
        finally:
            made.close()
