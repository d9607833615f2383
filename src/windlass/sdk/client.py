"""The client of the API: one request, one answer, over a Unix socket, with the standard library alone.

`ask` holds the whole flow. What fails is raised as the error that the other side raised, or as Unavailable where
nobody answers.
"""

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from windlass.kernel.errors import Bug, Unavailable, UserMistake
from windlass.sdk.problems import error_of

ANSWER_SECONDS = 30.0  # an act is answered within 15 s, or refused
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `path` is made by `route`; a `body` of None makes it a GET."""

    path: str
    query: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    seconds: float = ANSWER_SECONDS


def route(*parts: str) -> str:
    """A path whose parts cannot leave their place, whatever they hold."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


class Client:
    """Talks to the process behind one Unix socket.

    Args:
        path: the socket.
        name: what answers there, for error messages.
    """

    def __init__(self, path: Path, name: str = "Windlass") -> None:
        self.path = path
        self.name = name

    def get(self, *parts: str, **query: object) -> Answer:
        """The answer to `GET /<parts>?<query>`.

        Raises:
            UserMistake, Refused, Bug: as the other side said.
            Unavailable: nobody answers, or the other side said so.
        """
        return self.ask(Request(route(*parts), query))

    def post(self, *parts: str, body: Mapping[str, Any]) -> Answer:
        """The answer to `POST /<parts>`; raises what `get` raises."""
        return self.ask(Request(route(*parts), body=body))

    def ask(self, request: Request) -> Answer:
        """The answer to any request; raises what `get` raises."""
        status, media, data = self._exchange(request)
        try:
            answer = json.loads(data) if data else {}
        except ValueError as error:
            raise Bug(f"{self.name} answered something that is not JSON ({media})", code="bad-answer") from error
        if not isinstance(answer, dict):
            raise Bug(f"{self.name} answered JSON that is no object", code="bad-answer")
        if status >= 400:
            raise error_of(status, answer)
        return answer

    def _exchange(self, request: Request) -> tuple[int, str, bytes]:
        connection = _UnixConnection(self.path, request.seconds)
        target = request.path + (f"?{urlencode(request.query)}" if request.query else "")
        method = "GET" if request.body is None else "POST"
        body = None if request.body is None else json.dumps(request.body, allow_nan=False).encode()
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            connection.request(method, target, body, {"Accept": "application/json", **headers})
            answer = connection.getresponse()
            return answer.status, answer.headers.get_content_type(), answer.read()
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise Unavailable(f"{self.name} does not run here", code="not-running", remedy="`windlass up`") from error
        except PermissionError as error:
            raise UserMistake(
                f"the socket {self.path} belongs to another account", code="foreign-socket", remedy="act as its owner"
            ) from error
        except TimeoutError as error:
            raise Unavailable(
                f"{self.name} did not answer within {request.seconds:.0f} s",
                code="no-answer",
                remedy="`windlass doctor` looks for the reason",
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(
                f"the connection to {self.name} broke: {type(error).__name__} {error}",
                code="broken-connection",
                remedy="try again",
            ) from error
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
