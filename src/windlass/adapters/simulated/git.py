"""Repositories in memory: branches of commits, each a tree of files."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.digests import digest_of, hex_of
from windlass.kernel.errors import Unavailable, UserMistake
from windlass.ports.git import Head, TreeEntry


@dataclass(frozen=True, slots=True)
class SimulatedCommit:
    commit: str
    parent: str
    subject: str
    author: str
    time: int
    files: Mapping[str, bytes]


@dataclass(slots=True)
class SimulatedGit:
    """`broken` holds words for a repository that cannot be read now."""

    commits: dict[str, SimulatedCommit] = field(default_factory=dict)
    branches: dict[tuple[str, str], str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def commit(self, repository: str, subject: str, files: Mapping[str, bytes], *, branch: str = "main") -> str:
        """Add a commit on top of a branch; its id follows from its content."""
        parent = self.branches.get((repository, branch), "")
        return self.force(repository, subject, files, parent=parent, branch=branch)

    def force(
        self, repository: str, subject: str, files: Mapping[str, bytes], *, parent: str = "", branch: str = "main"
    ) -> str:
        """Point a branch at a new commit whose parent is given: a force-push where it is not the old head."""
        names = {path: digest_of(data) for path, data in files.items()}
        name = hex_of(digest_of(canonical_bytes([repository, parent, subject, names])))[:40]
        time = 1_700_000_000_000 + len(self.commits) * 1000
        self.commits[name] = SimulatedCommit(name, parent, subject, "Ann <ann@example.org>", time, dict(files))
        self.branches[(repository, branch)] = name
        return name

    def _found(self, repository: str, commit: str) -> SimulatedCommit:
        if repository in self.broken:
            raise Unavailable(self.broken[repository], code="git-unreachable", where=repository)
        if commit not in self.commits:
            raise Unavailable("the commit is not in the repository", code="git-object", where=commit)
        return self.commits[commit]

    async def head(self, repository: str, branch: str) -> Head:
        """Where a branch points."""
        if repository in self.broken:
            raise Unavailable(self.broken[repository], code="git-unreachable", where=repository)
        name = self.branches.get((repository, branch))
        if name is None:
            known = ", ".join(sorted(other for place, other in self.branches if place == repository))
            what = f"there is no branch {branch}"
            raise UserMistake(what, code="git-no-branch", where=repository, remedy=f"it has: {known}")
        found = self.commits[name]
        return Head(name, found.subject, found.author, found.time)

    async def tree(self, repository: str, commit: str) -> tuple[TreeEntry, ...]:
        """Every file, sorted by path."""
        files = self._found(repository, commit).files
        return tuple(
            TreeEntry(path, "file", hex_of(digest_of(data))[:40], len(data)) for path, data in sorted(files.items())
        )

    async def read(self, repository: str, commit: str, path: str) -> bytes:
        """The bytes of one file."""
        files = self._found(repository, commit).files
        if path not in files:
            raise UserMistake("the commit has no such file", code="git-path", where=path)
        return files[path]

    async def export(self, repository: str, commit: str, folder: str, without: Collection[str]) -> None:
        """A simulated build reads nothing: only that the commit exists is checked."""
        self._found(repository, commit)

    async def descends(self, repository: str, commit: str, ancestor: str) -> bool:
        """Whether `ancestor` is in the history of `commit`; one that no longer exists is not."""
        at = self._found(repository, commit)
        while at.commit != ancestor and at.parent:
            at = self.commits[at.parent]
        return at.commit == ancestor

    async def default_branch(self, repository: str) -> str:
        """The simulated HEAD."""
        return "main"
