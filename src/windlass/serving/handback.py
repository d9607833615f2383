"""The control socket: it gives the replica's listening socket back to a site agent that was started anew.

It runs in a thread of its own, so that it answers while the model loads or a prediction hangs.
"""

import json
import os
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

_ANSWER_SECONDS = 5.0  # an agent that does not read its few bytes by then is gone


@dataclass(slots=True)
class ReplicaFacts:
    """What the replica says about itself. `ready` turns true once the model is loaded."""

    service: str
    release: str
    ready: bool = False


class Handback:
    """Answers every connection with one JSON line and the listening socket (SCM_RIGHTS)."""

    def __init__(self, path: Path, listener: socket.socket, facts: ReplicaFacts) -> None:
        self._path = path
        self._listener = listener
        self._facts = facts

    def start(self) -> None:
        """Listen at the path, which a predecessor that was killed may have left behind."""
        self._path.unlink(missing_ok=True)
        control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        control.bind(str(self._path))
        os.chmod(self._path, 0o600)
        control.listen()
        # The descriptor is duplicated: the server closes its own before the last requests have ended.
        listener = self._listener.dup()
        threading.Thread(target=self._answer_all, args=(control, listener), name="handback", daemon=True).start()

    def stop(self) -> None:
        """Take the path away."""
        self._path.unlink(missing_ok=True)

    def _answer_all(self, control: socket.socket, listener: socket.socket) -> None:
        while True:
            connection, _ = control.accept()
            with connection:
                try:
                    connection.settimeout(_ANSWER_SECONDS)
                    socket.send_fds(connection, [self._line()], [listener.fileno()])
                except OSError:
                    continue  # the agent left; it will ask again

    def _line(self) -> bytes:
        facts = self._facts
        said = {"pid": os.getpid(), "service": facts.service, "release": facts.release, "ready": facts.ready}
        return json.dumps(said).encode() + b"\n"
