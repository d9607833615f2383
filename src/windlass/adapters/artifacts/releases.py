"""Releases as folders that can be served: read-only, verified, and visible only when complete.

The files share their bytes with the blobs where the file system can link. The folder holds its own manifest, whose
digest is the release's name, so that a site can verify it with nothing else at hand.
"""

import errno
import os
import secrets
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from windlass.adapters.artifacts.blobs import STRAY_SECONDS, Blobs, digest_of_file, freed_by_removing, name_of
from windlass.adapters.world.files import disk_trouble, make_folder, sync_file, sync_folder
from windlass.delivery.releases.manifest import MANIFEST_NAME, ManifestFile, read_manifest
from windlass.kernel.digests import Digest, digest_of
from windlass.kernel.errors import Unavailable, clip

_CANNOT_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}


class ReleaseFolders:
    """The folders below `releases/`."""

    def __init__(self, folder: str, blobs: Blobs) -> None:
        self._folder = os.path.join(folder, "releases")
        self._blobs = blobs
        self._verified: set[Digest] = set()  # every byte was read once by this process
        self._one_at_a_time = threading.Lock()

    def materialise(self, release: Digest) -> str:
        """The folder of a release, made from its blobs where it is missing or damaged."""
        path = os.path.join(self._folder, name_of(release))
        try:
            with self._one_at_a_time:
                if not os.path.isdir(path) or not self._is_whole(release, path):
                    self._set_aside(path)
                    self._make(release, path)
                self._verified.add(release)
        except OSError as error:
            raise disk_trouble(error, path) from error
        return path

    def remove(self, digests: frozenset[Digest]) -> int:
        """Remove the folders of these releases, and half-made ones that a crash left; the bytes that became free."""
        freed = 0
        try:
            for release in sorted(digests):
                path = os.path.join(self._folder, name_of(release))
                self._verified.discard(release)
                if os.path.isdir(path):
                    going = f"{path}.tmp-{secrets.token_hex(4)}"
                    os.rename(path, going)
                    freed += _remove_folder(going)
            freed += sum(_remove_folder(path) for path in self._strays())
        except OSError as error:
            raise disk_trouble(error, self._folder) from error
        return freed

    def _is_whole(self, release: Digest, path: str) -> bool:
        """Whether exactly the manifest's files are there: every byte at this process's first use, then sizes."""
        manifest = Path(path, MANIFEST_NAME)
        try:
            data = manifest.read_bytes()
        except FileNotFoundError:
            return False
        if digest_of(data) != release:
            return False
        files = _files_of(data, release)
        wanted = {file.path: file.size for file in files} | {MANIFEST_NAME: len(data)}
        if wanted != dict(_sizes_below(path)):
            return False
        if release in self._verified:
            return True
        return all(digest_of_file(os.path.join(path, file.path)) == file.digest for file in files)

    def _make(self, release: Digest, path: str) -> None:
        data = self._blobs.read(release)
        files = _files_of(data, release)
        making = f"{path}.tmp-{secrets.token_hex(4)}"
        try:
            make_folder(making)
            for file in (*files, ManifestFile(MANIFEST_NAME, len(data), release)):
                target = os.path.join(making, file.path)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                self._place(file, target)
            for folder in _folders_upwards(making):
                os.chmod(folder, 0o555)
                sync_folder(folder)
            try:
                os.rename(making, path)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                _remove_folder(making)  # another process was faster
            sync_folder(self._folder)
        except BaseException:
            if os.path.isdir(making):
                _remove_folder(making)
            raise

    def _place(self, file: ManifestFile, target: str) -> None:
        source = self._blobs.path(file.digest)
        if not self._blobs.is_good(file.digest):
            raise self._blobs.set_aside(file.digest)
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
            shutil.copyfile(source, target)
            os.chmod(target, 0o444)
            sync_file(target)
        size = os.stat(target).st_size
        if size != file.size:
            raise _broken(Digest(file.digest), f"{clip(file.path)} has {size} bytes, its manifest says {file.size}")

    def _set_aside(self, path: str) -> None:
        if os.path.lexists(path):
            os.rename(path, f"{path}.tmp-{secrets.token_hex(4)}")

    def _strays(self) -> list[str]:
        oldest = time.time() - STRAY_SECONDS
        found = Path(self._folder).glob("*.tmp-*")
        return sorted(str(path) for path in found if path.stat().st_mtime < oldest)


def _files_of(data: bytes, release: Digest) -> tuple[ManifestFile, ...]:
    try:
        return read_manifest(data)
    except ValueError as error:
        raise _broken(release, clip(str(error))) from error


def _broken(release: Digest, words: str) -> Unavailable:
    remedy = "build the commit again: windlass retry"
    what = f"the release cannot be used: {words}"
    return Unavailable(what, code="release-broken", where=clip(release), remedy=remedy)


def _sizes_below(folder: str) -> Iterator[tuple[str, int]]:
    """Every path below a folder with its size; -1 for what is no plain file, which no manifest names."""
    for above, folders, files in os.walk(folder):
        for path in _not_folders(above, folders, files):
            found = os.lstat(path)
            yield os.path.relpath(path, folder), found.st_size if stat.S_ISREG(found.st_mode) else -1


def _folders_upwards(folder: str) -> Iterator[str]:
    return (above for above, _, _ in os.walk(folder, topdown=False))


def _remove_folder(folder: str) -> int:
    freed = 0
    for above, _, _ in os.walk(folder):
        os.chmod(above, 0o700)
    for above, folders, files in os.walk(folder, topdown=False):
        freed += sum(freed_by_removing(path) for path in _not_folders(above, folders, files))
        os.rmdir(above)
    return freed


def _not_folders(above: str, folders: list[str], files: list[str]) -> list[str]:
    """The paths of files, and of links that lead to folders."""
    paths = (os.path.join(above, name) for name in folders)
    return [os.path.join(above, name) for name in files] + [path for path in paths if os.path.islink(path)]
