"""Questions to Envoy on its admin socket, always with a filter: the statistics of a thousand services take seconds."""

import asyncio
import http.client
import socket
import struct
from urllib.parse import quote

from windlass.kernel.errors import Unavailable

ANSWER_SECONDS_MAX = 5.0


class Admin:
    """Envoy's admin interface."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def stats(self, pattern: str) -> dict[str, str]:
        """Statistics whose name matches a regular expression; texts without their quotes.

        Raises:
            Unavailable: Envoy does not answer.
        """
        text = await self._ask("GET", f"/stats?filter={quote(pattern)}")
        pairs = (line.partition(": ") for line in text.splitlines())
        return {name: value.strip('"') for name, mark, value in pairs if mark}

    async def is_live(self) -> bool:
        """Whether Envoy has started and takes requests."""
        try:
            return (await self._ask("GET", "/ready")).strip() == "LIVE"
        except Unavailable:
            return False

    async def order(self, path: str) -> None:
        """Order something, such as `/reopen_logs`.

        Raises:
            Unavailable: Envoy does not answer.
        """
        await self._ask("POST", path)

    async def pid(self) -> int:
        """The process that listens on the socket; 0 where nobody does, or where the system does not tell."""
        return await asyncio.to_thread(self._pid_now)

    def _pid_now(self) -> int:
        if not hasattr(socket, "SO_PEERCRED"):
            return 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS_MAX)
            try:
                connection.connect(self._path)
                found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            except OSError:
                return 0
        return int(struct.unpack("3i", found)[0])

    async def _ask(self, method: str, target: str) -> str:
        return await asyncio.to_thread(self._ask_now, method, target)

    def _ask_now(self, method: str, target: str) -> str:
        connection = _SocketConnection(self._path)
        try:
            connection.request(method, target)
            return connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(
                "the gateway does not answer on its admin socket",
                code="gateway-silent",
                where=self._path,
                remedy="it is started again if it has ended",
            ) from error
        finally:
            connection.close()


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("gateway", timeout=ANSWER_SECONDS_MAX)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_SECONDS_MAX)
        self.sock.connect(self._path)
