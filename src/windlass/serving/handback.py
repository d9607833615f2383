"""The control socket: it gives the replica's listening socket back to a site agent that was started anew.

It runs in a thread of its own, so that it answers while the model loads or a prediction hangs.
"""

import json
import os
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_RETRY_SECONDS = 0.05  # long enough not to spin while the process has no free descriptor
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
        self._inode = 0

    def start(self) -> None:
        """Listen at the path, which a predecessor that was killed may have left behind."""
        self._path.unlink(missing_ok=True)
        control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        control.bind(str(self._path))
        os.chmod(self._path, 0o600)
        control.listen()
        self._inode = os.stat(self._path).st_ino
        # Duplicated, because the server closes its own before the last requests have ended; and by number, because
        # `socket.dup` would make accepting block in every process that holds this socket.
        number = os.dup(self._listener.fileno())
        threading.Thread(target=self._answer_all, args=(control, number), name="handback", daemon=True).start()

    def stop(self) -> None:
        """Take the path away, unless a successor listens there by now."""
        if self._path.exists() and os.stat(self._path).st_ino == self._inode:
            self._path.unlink()

    def _answer_all(self, control: socket.socket, number: int) -> None:
        while True:
            try:
                connection, _ = control.accept()
                with connection:
                    connection.settimeout(_ANSWER_SECONDS)
                    socket.send_fds(connection, [self._line()], [number])
            except OSError:
                time.sleep(_RETRY_SECONDS)  # the agent left, or no descriptor is free; it will ask again

    def _line(self) -> bytes:
        facts = self._facts
        said = {"pid": os.getpid(), "service": facts.service, "release": facts.release, "ready": facts.ready}
        return json.dumps(said).encode() + b"\n"
