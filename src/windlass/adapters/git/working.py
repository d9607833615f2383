"""The files of a working copy as they lie there, for `plan`. Nothing is written, not even an object."""

import os
import stat

import pygit2
from pygit2.enums import FileMode, FileStatus

from windlass.adapters.git.troubles import missing_object, path_mistake
from windlass.adapters.world.files import disk_trouble
from windlass.kernel.errors import UserMistake, clip
from windlass.kernel.limits import BLOB_BYTES_MAX, TREE_FILES_MAX
from windlass.ports.git import TreeEntry, WorkingTree


def working_tree_of(repo: pygit2.Repository, repository: str) -> WorkingTree:
    """Tracked files, and new ones that Git does not ignore, sorted by path.

    Raises:
        UserMistake: the repository is bare, or has more than 100,000 files.
    """
    folder = _folder(repo, repository)
    changes = repo.status(untracked_files="all", ignored=False)
    tracked = {entry.path: entry for entry in repo.index}
    paths = sorted(tracked.keys() | changes.keys())
    if len(paths) > TREE_FILES_MAX:
        raise UserMistake(
            f"the working copy has more than {TREE_FILES_MAX} files",
            code="git-too-many-files",
            where=clip(repository),
            remedy="name data sets in .gitignore, and let windlass.yaml name them by a path",
        )
    entries = []
    for path in paths:
        known = tracked.get(path)
        if known is not None and known.mode == FileMode.COMMIT:
            entries.append(TreeEntry(path, "submodule", str(known.id)))
        elif not changes.get(path, FileStatus.CURRENT) & FileStatus.WT_DELETED:
            oid = str(known.id) if known is not None and path not in changes else ""
            entries += _entry(repo, folder, path, oid)
    commit = "" if repo.head_is_unborn else str(repo.head.target)
    return WorkingTree(commit, tuple(entries), tuple(sorted(changes)))


def working_bytes(repo: pygit2.Repository, path: str, repository: str) -> bytes:
    """The bytes of one file of the working copy; links are not followed.

    Raises:
        UserMistake: there is no such file, or it lies outside.
        Unavailable: the disk fails.
    """
    folder = _folder(repo, repository)
    full = os.path.join(folder, path)
    if os.path.realpath(full) != f"{os.path.realpath(folder)}/{path}":
        raise path_mistake(path, "the path leads through a link or out of the repository", "name the file itself")
    try:
        handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise path_mistake(path, "it is not a file", "name a file")
            if found.st_size > BLOB_BYTES_MAX:
                what = f"the file has {found.st_size} bytes, at most {BLOB_BYTES_MAX} are read"
                raise path_mistake(path, what, "keep it in a store, and name it by a URL")
            return file.read()
    except FileNotFoundError as error:
        raise path_mistake(path, "the working copy has no such file", "make it, or name another") from error
    except OSError as error:
        raise disk_trouble(error, full) from error


def _folder(repo: pygit2.Repository, repository: str) -> str:
    if repo.is_bare:
        remedy = "name the folder of a clone, or a commit"
        raise UserMistake(
            "a bare repository has no working copy", code="git-bare", where=clip(repository), remedy=remedy
        )
    return str(repo.workdir)


def _entry(repo: pygit2.Repository, folder: str, path: str, oid: str) -> list[TreeEntry]:
    full = os.path.join(folder, path)
    try:
        found = os.lstat(full)
        if stat.S_ISLNK(found.st_mode):
            target = os.readlink(full)
            return [TreeEntry(path, "link", oid or str(pygit2.hash(target)), len(os.fsencode(target)), target)]
        if not stat.S_ISREG(found.st_mode):
            return []  # a socket, or the folder of a nested repository
        kind = "executable" if found.st_mode & stat.S_IXUSR else "file"
        return [TreeEntry(path, kind, oid or str(pygit2.hashfile(full)), found.st_size)]
    except FileNotFoundError:
        return []  # it went away while this was read
    except (OSError, pygit2.GitError) as error:
        raise missing_object(path, folder, False) from error
