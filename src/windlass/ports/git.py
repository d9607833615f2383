"""Reading Git repositories without a checkout. Commits, never working trees, are desired state."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Head:
    """Where a branch points."""

    commit: str
    subject: str
    author: str  # "Name <email>"
    time: int  # instant of the commit


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One path of a commit's tree. `kind` is file, executable, link or submodule; `oid` names the content;
    `target` is a link's target."""

    path: str
    kind: str
    oid: str
    size: int = 0
    target: str = ""


class Git(Protocol):
    """A repository is a local path or a URL (https, ssh, file).

    Every verb raises Unavailable when the remote or an object cannot be read now, and UserMistake when a person must
    change something: a missing branch, a repository of another owner, a SHA-256 repository.
    """

    async def head(self, repository: str, branch: str) -> Head:
        """The branch's commit, after a fetch where the repository is remote."""
        ...

    async def tree(self, repository: str, commit: str) -> tuple[TreeEntry, ...]:
        """Every file, link and submodule of the commit, sorted by path."""
        ...

    async def read(self, repository: str, commit: str, path: str) -> bytes:
        """The bytes of one file of the commit."""
        ...

    async def export(self, repository: str, commit: str, folder: str, without: Collection[str]) -> None:
        """Write the commit's files into an empty folder, leaving out the paths in `without`. Hooks never run."""
        ...

    async def descends(self, repository: str, commit: str, ancestor: str) -> bool:
        """Whether `ancestor` is an ancestor of `commit` (or is it)."""
        ...

    async def default_branch(self, repository: str) -> str:
        """The branch that HEAD names."""
        ...


@dataclass(frozen=True, slots=True)
class WorkingTree:
    """The files of a working copy as they lie there now, tracked ones and those that Git does not ignore.

    `commit` is the commit below it, empty before the first; `changed` the paths that differ from it, sorted.
    """

    commit: str
    entries: tuple[TreeEntry, ...]
    changed: tuple[str, ...]


class CanReadWorkingTree(Protocol):
    """A local repository's uncommitted state: what `plan` shows, and never desired state."""

    async def working_tree(self, repository: str) -> WorkingTree:
        """Every file, link and submodule of the working copy, sorted by path."""
        ...

    async def read_working(self, repository: str, path: str) -> bytes:
        """The bytes of one file of the working copy."""
        ...
