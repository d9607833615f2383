"""Bytes under their digest. What is found under a digest is checked against it each time it is used.

obstore writes a file beside its place and links it there, but syncs nothing: the syncs are ours, and come before a
digest is given out.
"""

import os
import re
import secrets
import time
from pathlib import Path

from blake3 import blake3

from windlass.adapters.world.files import disk_trouble, make_folder, sync_file, sync_folder
from windlass.kernel.digests import Digest, digest_of, hex_of, parse_digest
from windlass.kernel.errors import Unavailable, UserMistake, clip
from windlass.ports.artifacts import Blob

STRAY_SECONDS = 3600.0  # what a living process is writing is younger
_CHUNK_BYTES = 1 << 20
_BLOB_KEY = re.compile(r"blobs/[0-9a-f]{2}/([0-9a-f]{64})")
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")


class Blobs:
    """The files below `blobs/`. A copy that does not fit its digest goes to `damaged/`, for people to look at."""

    def __init__(self, folder: str) -> None:
        from obstore.store import LocalStore

        self._folder = folder
        try:
            make_folder(os.path.join(folder, "blobs"))
            self._store = LocalStore(folder)
        except OSError as error:
            raise disk_trouble(error, folder) from error

    def path(self, digest: Digest) -> str:
        """Where a blob lies, if it is there."""
        return os.path.join(self._folder, _key(digest))

    def put(self, source: bytes | str) -> Digest:
        """Store bytes or a file, unless a good copy is there."""
        digest = digest_of(source) if isinstance(source, bytes) else _digest_of_foreign(source)
        path = self.path(digest)
        if os.path.exists(path) and not self.is_good(digest):
            self.set_aside(digest)
        try:
            make_folder(os.path.dirname(path))
            self._write(_key(digest), source)
            if isinstance(source, str) and not self.is_good(digest):
                os.unlink(path)
                remedy = "wait until its writer is done, and store it again"
                raise Unavailable(
                    "the file changed while it was stored", code="artifact-changed", where=clip(source), remedy=remedy
                )
            os.chmod(path, 0o444)
            os.utime(path)  # one that was there already is young again: somebody is about to name it
            sync_file(path)
            sync_folder(os.path.dirname(path))
        except OSError as error:
            raise disk_trouble(error, path) from error
        return digest

    def read(self, digest: Digest) -> bytes:
        """The bytes, verified."""
        try:
            data = Path(self.path(digest)).read_bytes()
        except FileNotFoundError as error:
            raise _missing(digest, self.path(digest)) from error
        except OSError as error:
            raise disk_trouble(error, self.path(digest)) from error
        if digest_of(data) != digest:
            raise self.set_aside(digest)
        return data

    def is_good(self, digest: Digest) -> bool:
        """Whether the stored bytes fit the digest.

        Raises:
            Unavailable: there are none, or the disk fails.
        """
        try:
            return digest_of_file(self.path(digest)) == digest
        except FileNotFoundError as error:
            raise _missing(digest, self.path(digest)) from error
        except OSError as error:
            raise disk_trouble(error, self.path(digest)) from error

    def set_aside(self, digest: Digest) -> Unavailable:
        """Take a bad copy out of the way; the error to raise where it was needed."""
        aside = os.path.join(self._folder, "damaged", f"{hex_of(digest)}.{secrets.token_hex(4)}")
        try:
            make_folder(os.path.dirname(aside))
            os.rename(self.path(digest), aside)
        except FileNotFoundError:
            return _missing(digest, self.path(digest))  # another process was faster
        except OSError as error:
            return disk_trouble(error, self.path(digest))
        remedy = "build the commit that made it again: windlass retry; then look after the disk"
        return Unavailable(
            "the stored bytes do not fit their digest; they were set aside",
            code="artifact-damaged",
            where=clip(aside),
            remedy=remedy,
        )

    def listed(self) -> tuple[Blob, ...]:
        """Every blob, sorted by digest."""
        import obstore

        found = []
        for batch in obstore.list(self._store, "blobs"):
            for entry in batch:
                if key := _BLOB_KEY.fullmatch(entry["path"]):
                    stored_at = round(entry["last_modified"].timestamp() * 1000)
                    found.append(Blob(Digest(f"blake3:{key[1]}"), entry["size"], stored_at))
        return tuple(sorted(found, key=lambda blob: blob.digest))

    def remove(self, digests: frozenset[Digest]) -> int:
        """Remove these blobs, and half-written ones that a crash left; the bytes that became free."""
        paths = [self.path(digest) for digest in sorted(digests)]
        return sum(freed_by_removing(path) for path in [*paths, *self._strays()])

    def _write(self, key: str, source: bytes | str) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            obstore.put(self._store, key, source if isinstance(source, bytes) else Path(source), mode="create")
        except AlreadyExistsError:
            return
        except BaseError as error:
            number = _SYSTEM_ERROR.search(str(error))
            code = int(number[1]) if number else 5
            raise OSError(code, os.strerror(code)) from error

    def _strays(self) -> list[str]:
        """obstore writes `<key>#<number>` first."""
        oldest = time.time() - STRAY_SECONDS
        found = Path(self._folder, "blobs").glob("*/*#*")
        return sorted(str(path) for path in found if path.stat().st_mtime < oldest)


def digest_of_file(path: str) -> Digest:
    """The digest of a file that nobody changes: it is mapped into memory and read by all cores."""
    hasher = blake3(max_threads=blake3.AUTO)
    hasher.update_mmap(path)
    return Digest(f"blake3:{hasher.hexdigest()}")


def freed_by_removing(path: str) -> int:
    """Remove a file, if it is there; its size, unless another name still holds the bytes."""
    try:
        found = os.lstat(path)
        os.unlink(path)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise disk_trouble(error, path) from error
    return found.st_size if found.st_nlink == 1 else 0


def _digest_of_foreign(path: str) -> Digest:
    """The digest of somebody else's file. It is read, not mapped: a mapped file that is cut short kills the process."""
    hasher = blake3()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                hasher.update(chunk)
    except FileNotFoundError as error:
        remedy = "make it, or name another"
        raise UserMistake("there is no such file", code="artifact-source", where=clip(path), remedy=remedy) from error
    except OSError as error:
        raise disk_trouble(error, path) from error
    return Digest(f"blake3:{hasher.hexdigest()}")


def name_of(digest: Digest) -> str:
    """The digest's hex, which is safe as the name of a file.

    Raises:
        UserMistake: it is no digest.
    """
    try:
        return hex_of(parse_digest(digest))
    except ValueError as error:
        remedy = "name it as Windlass prints it: blake3: and 64 hex digits"
        raise UserMistake("this is not a digest", code="not-a-digest", where=clip(digest), remedy=remedy) from error


def _key(digest: Digest) -> str:
    name = name_of(digest)
    return f"blobs/{name[:2]}/{name}"


def _missing(digest: Digest, path: str) -> Unavailable:
    remedy = "build the commit that made it again: windlass retry"
    return Unavailable(f"{clip(digest)} is not stored", code="artifact-missing", where=clip(path), remedy=remedy)
