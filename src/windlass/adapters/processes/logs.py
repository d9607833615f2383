"""The log of a command: written as the output comes, without secrets, and never longer than its limit.

Of a log that grows too long the head and the tail are kept, because they are what anybody reads: the file is cut down
to a quarter at each end whenever it reaches the limit. Cutting later, at the end, would let one noisy command fill the
disk.
"""

import os
import shutil
from collections.abc import Sequence

_CUT = b"\n... the middle of this log was left out: it grew over its limit ...\n"
_HIDDEN = b"***"
_TAIL_BYTES = 8192


class CappedLog:
    """Appends output to a file. An empty path keeps the tail only.

    Args:
        path: the file; it may hold output of earlier commands.
        bytes_max: the size at which the middle is cut out.
        hidden: strings that are replaced by `***` wherever they stand.
    """

    def __init__(self, path: str, bytes_max: int, hidden: Sequence[str] = ()) -> None:
        self._file = open(path, "a+b", buffering=0) if path else None  # noqa: SIM115
        self._bytes_max = bytes_max
        self._secrets = sorted((text.encode() for text in hidden if text), key=len, reverse=True)
        self._held = b""
        self._tail = b""
        self.is_disk_full = False

    def write(self, data: bytes) -> None:
        """Take some output; what could be the beginning of a secret is held back until more comes."""
        data = self._held + data
        for secret in self._secrets:
            data = data.replace(secret, _HIDDEN)
        keep = len(data) - self._begun_secret(data)
        self._held = data[keep:]
        self._append(data[:keep])

    def close(self) -> str:
        """Write what was held back; the last lines of the output, as text."""
        self._append(self._held)
        if self._file:
            self._file.close()
        return self._tail.decode(errors="replace")

    def _begun_secret(self, data: bytes) -> int:
        longest = max((len(secret) for secret in self._secrets), default=1) - 1
        for length in range(min(longest, len(data)), 0, -1):
            if any(secret.startswith(data[-length:]) for secret in self._secrets):
                return length
        return 0

    def _append(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
        if not self._file or not data:
            return
        try:
            self._file.write(data)
            if self._file.seek(0, os.SEEK_END) > self._bytes_max:
                self._cut()
        except OSError:
            self.is_disk_full = True  # the command itself is not disturbed by its log

    def _cut(self) -> None:
        assert self._file is not None
        quarter = self._bytes_max // 4
        with open(self._file.name, "r+b") as file:
            file.seek(-quarter, os.SEEK_END)
            with open(self._file.name, "rb") as tail:
                tail.seek(file.tell())
                file.seek(quarter)
                file.write(_CUT)
                shutil.copyfileobj(tail, file)
            file.truncate()
