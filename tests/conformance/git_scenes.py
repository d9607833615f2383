"""Real repositories for tests, written with the Git library: they need no program and no configuration."""

import os
from collections.abc import Mapping
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

WHO = pygit2.Signature("Ann", "ann@example.org", 1_700_000_000, 0)


class LocalScene:
    """A repository at a path; bare ones have no working copy."""

    def __init__(self, path: Path, *, bare: bool = True) -> None:
        self.repo = pygit2.init_repository(str(path), bare=bare, initial_head="main")
        self.path = path
        self.repository = str(path)

    def commit(self, branch: str, files: Mapping[str, bytes], subject: str) -> str:
        """Commit exactly these files on top of a branch."""
        index = pygit2.Index()
        for path, data in files.items():
            index.add(pygit2.IndexEntry(path, self.repo.create_blob(data), FileMode.BLOB))
        return self.commit_tree(branch, index.write_tree(self.repo), subject)

    def commit_tree(self, branch: str, tree: pygit2.Oid, subject: str) -> str:
        """Commit a tree that was made by hand."""
        name = f"refs/heads/{branch}"
        parents = [self.repo.references[name].target] if name in self.repo.references else []
        return str(self.repo.create_commit(name, WHO, WHO, subject, tree, parents))

    def tree(self, entries: Mapping[str, tuple[bytes | pygit2.Oid, FileMode]]) -> pygit2.Oid:
        """A tree of one level with any names and kinds, checked by nobody, as a hostile client may push it."""
        lines = []
        for name, (content, mode) in sorted(entries.items()):
            oid = content if isinstance(content, pygit2.Oid) else self.repo.create_blob(content)
            lines.append(b"%o %s\0" % (mode, os.fsencode(name)) + oid.raw)
        return self.repo.write(pygit2.enums.ObjectType.TREE, b"".join(lines))

    def rewind(self, branch: str, commit: str) -> None:
        """Let a branch point at an older commit."""
        self.repo.references[f"refs/heads/{branch}"].set_target(commit)

    def drop(self, branch: str) -> None:
        """Delete a branch."""
        self.repo.references.delete(f"refs/heads/{branch}")


class RemoteScene(LocalScene):
    """The same, named by a URL."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.repository = f"file://{path}"
