"""A commit's tree: its paths, and the bytes of one file.

A tree may name the same subtree many times, so that a few kilobytes unfold to billions of paths: the walk counts.
"""

from collections.abc import Iterator

import pygit2
from pygit2.enums import FileMode, ObjectType

from windlass.adapters.git.troubles import missing_object, path_mistake
from windlass.kernel.errors import UserMistake, clip
from windlass.kernel.limits import BLOB_BYTES_MAX, TREE_FILES_MAX
from windlass.ports.git import TreeEntry

LINK_BYTES_MAX = 4096  # a longer target cannot be followed on any system
_KINDS: dict[int, str] = {
    FileMode.BLOB: "file",
    FileMode.BLOB_EXECUTABLE: "executable",
    FileMode.LINK: "link",
    FileMode.COMMIT: "submodule",
}


def commit_of(repo: pygit2.Repository, commit: str, repository: str) -> pygit2.Commit:
    """The commit of that name.

    Raises:
        Unavailable: the repository does not hold it.
    """
    try:
        found: object = repo.get(commit)
    except ValueError as error:
        raise missing_object(commit, repository, repo.is_shallow) from error
    if not isinstance(found, pygit2.Commit):
        raise missing_object(commit, repository, repo.is_shallow)
    return found


def entries_of(repo: pygit2.Repository, commit: str, repository: str) -> tuple[TreeEntry, ...]:
    """Every file, link and submodule of the commit, sorted by path."""
    root = commit_of(repo, commit, repository).tree
    entries = (_entry(repo, path, found, repository) for path, found in _walk(root, repository))
    return tuple(sorted(entries, key=lambda entry: entry.path))


def blob_at(repo: pygit2.Repository, commit: str, path: str, repository: str) -> bytes:
    """The bytes of one file of the commit."""
    root = commit_of(repo, commit, repository).tree
    try:
        found = root[path]
    except KeyError as error:
        raise path_mistake(path, "the commit has no such file", f"commit {short_name(commit)} must hold it") from error
    if found.filemode not in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE):
        kind = _KINDS.get(found.filemode, "folder")
        raise path_mistake(path, f"it is a {kind}, not a file", "commit the file itself")
    return blob_bytes(repo, found.id, path, repository)


def blob_bytes(repo: pygit2.Repository, oid: pygit2.Oid, path: str, repository: str) -> bytes:
    """The content of that name, not larger than a blob may be."""
    size = _size(repo, oid, path, repository)
    if size > BLOB_BYTES_MAX:
        what = f"the file has {size} bytes, at most {BLOB_BYTES_MAX} are read from Git"
        raise path_mistake(path, what, "keep it in a store, and name it by a URL")
    return repo.odb.read(oid)[1]


def short_name(commit: str) -> str:
    """The twelve digits that people see."""
    return commit[:12]


def _walk(root: pygit2.Tree, repository: str) -> Iterator[tuple[str, pygit2.Object]]:
    files = folders = 0
    waiting: list[tuple[str, pygit2.Tree]] = [("", root)]
    while waiting:
        above, tree = waiting.pop()
        for found in tree:
            path = above + (found.raw_name or b"").decode("utf-8", "backslashreplace")
            if isinstance(found, pygit2.Tree):
                folders += 1
                waiting.append((f"{path}/", found))
            else:
                files += 1
                yield path, found
            if max(files, folders) > TREE_FILES_MAX:
                raise UserMistake(
                    f"the commit has more than {TREE_FILES_MAX} files",
                    code="git-too-many-files",
                    where=clip(repository),
                    remedy="keep data sets out of Git, and name them by a path or a URL",
                )


def _entry(repo: pygit2.Repository, path: str, found: pygit2.Object, repository: str) -> TreeEntry:
    kind = _KINDS.get(found.filemode, "file")
    oid = str(found.id)
    if kind == "submodule":
        return TreeEntry(path, kind, oid)
    size = _size(repo, found.id, path, repository)
    if kind != "link":
        return TreeEntry(path, kind, oid, size)
    target = repo.odb.read(found.id)[1][: LINK_BYTES_MAX + 1]
    return TreeEntry(path, kind, oid, size, target.decode("utf-8", "backslashreplace"))


def _size(repo: pygit2.Repository, oid: pygit2.Oid, path: str, repository: str) -> int:
    try:
        kind, size = repo.odb.read_header(oid)
    except (KeyError, pygit2.GitError) as error:
        raise missing_object(f"{oid} ({path})", repository, repo.is_shallow) from error
    if kind != ObjectType.BLOB:
        raise missing_object(f"{oid} ({path})", repository, repo.is_shallow)
    return size
