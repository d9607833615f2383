"""The Git port on pygit2. Local repositories are read where they are; remote ones through a bare mirror.

All work is done in threads, and each call opens the repository anew: pygit2's objects must not be shared by threads.
The threads are our own, so that remotes which hang hold up no disk and no database.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pygit2

from windlass.adapters.git.addresses import Address, GitSecrets, address_of
from windlass.adapters.git.exports import export_files, left_after
from windlass.adapters.git.mirrors import Mirror
from windlass.adapters.git.trees import blob_at, commit_of, entries_of
from windlass.adapters.git.troubles import git_trouble, missing_object
from windlass.adapters.git.working import working_bytes, working_tree_of
from windlass.kernel.errors import UserMistake, clip
from windlass.kernel.instants import Instant
from windlass.ports.git import Head, TreeEntry, WorkingTree

ResultT = TypeVar("ResultT")
THREADS = 8
BRANCHES_NAMED = 5  # in a message


class PygitRepositories:
    """Reads commits of any repository.

    Args:
        folder: where the mirrors of remote repositories lie; made when needed.
        secrets: what opens them.
    """

    def __init__(self, folder: str, secrets: GitSecrets | None = None) -> None:
        self._folder = folder
        self._secrets = secrets or GitSecrets()
        self._threads = ThreadPoolExecutor(THREADS, "windlass-git")
        self._fetching: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    async def head(self, repository: str, branch: str) -> Head:
        """The branch's commit, after a fetch where the repository is remote."""
        return await self._run(repository, lambda: self._head(repository, branch))

    async def tree(self, repository: str, commit: str) -> tuple[TreeEntry, ...]:
        """Every file, link and submodule of the commit, sorted by path."""
        return await self._run(repository, lambda: entries_of(self._holding(repository, commit), commit, repository))

    async def read(self, repository: str, commit: str, path: str) -> bytes:
        """The bytes of one file of the commit."""
        return await self._run(repository, lambda: blob_at(self._holding(repository, commit), commit, path, repository))

    async def export(self, repository: str, commit: str, folder: str, without: Collection[str]) -> None:
        """Write the commit's files into an empty folder, leaving out the paths in `without` and all below them."""
        await self._run(repository, lambda: self._export(repository, commit, folder, without))

    async def descends(self, repository: str, commit: str, ancestor: str) -> bool:
        """Whether `ancestor` is an ancestor of `commit` (or is it); one that no longer exists is none."""
        return await self._run(repository, lambda: self._descends(repository, commit, ancestor))

    async def default_branch(self, repository: str) -> str:
        """The branch that HEAD names."""
        return await self._run(repository, lambda: self._default_branch(repository))

    async def working_tree(self, repository: str) -> WorkingTree:
        """Every file, link and submodule of the working copy, sorted by path."""
        return await self._run(repository, lambda: working_tree_of(_local(repository), repository))

    async def read_working(self, repository: str, path: str) -> bytes:
        """The bytes of one file of the working copy."""
        return await self._run(repository, lambda: working_bytes(_local(repository), path, repository))

    async def _run(self, repository: str, work: Callable[[], ResultT]) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _guarded, work, repository)

    def _mirror(self, address: Address) -> Mirror:
        return Mirror(self._folder, address, self._secrets)

    def _head(self, repository: str, branch: str) -> Head:
        address = address_of(repository)
        name = f"refs/heads/{branch}"
        if address.path:
            repo = pygit2.Repository(address.path)
            if name not in repo.references:
                raise _no_branch(repository, branch, tuple(repo.branches.local))
            return _described(repo, str(repo.references[name].peel(pygit2.Commit).id), repository)
        with self._fetching[address.url]:
            mirror = self._mirror(address)
            heads = mirror.heads()
            if name not in heads:
                known = (found.removeprefix("refs/heads/") for found in heads if found.startswith("refs/heads/"))
                raise _no_branch(repository, branch, tuple(known))
            repo = mirror.open()
            if name not in repo.references or str(repo.references[name].target) != heads[name][0]:
                repo = mirror.fetch(heads, (branch,))
            return _described(repo, str(repo.references[name].target), repository)

    def _holding(self, repository: str, commit: str) -> pygit2.Repository:
        """The repository; a mirror that lost the commit fetches every branch again."""
        address = address_of(repository)
        if address.path:
            return pygit2.Repository(address.path)
        mirror = self._mirror(address)
        repo = mirror.present()
        if repo is not None and commit in repo:
            return repo
        with self._fetching[address.url]:
            heads = mirror.heads()
            names = (name.removeprefix("refs/heads/") for name in sorted(heads) if name.startswith("refs/heads/"))
            return mirror.fetch(heads, tuple(names))

    def _export(self, repository: str, commit: str, folder: str, without: Collection[str]) -> None:
        repo = self._holding(repository, commit)
        export_files(repo, left_after(entries_of(repo, commit, repository), without), folder, repository)

    def _descends(self, repository: str, commit: str, ancestor: str) -> bool:
        repo = self._holding(repository, commit)
        newer = commit_of(repo, commit, repository)
        if commit == ancestor:
            return True
        if repo.get(ancestor) is None:
            if repo.is_shallow:
                raise missing_object(ancestor, repository, True)
            return False
        return bool(repo.descendant_of(newer.id, commit_of(repo, ancestor, repository).id))

    def _default_branch(self, repository: str) -> str:
        address = address_of(repository)
        if address.path:
            target = pygit2.Repository(address.path).lookup_reference("HEAD").target
            name = target if isinstance(target, str) else ""
        else:
            with self._fetching[address.url]:
                name = self._mirror(address).heads().get("HEAD", ("", ""))[1]
        if not name.startswith("refs/heads/"):
            remedy = "name the branch to watch: --branch"
            raise UserMistake("HEAD names no branch", code="git-no-branch", where=clip(repository), remedy=remedy)
        return name.removeprefix("refs/heads/")


def _guarded(work: Callable[[], ResultT], repository: str) -> ResultT:
    try:
        return work()
    except (pygit2.GitError, pygit2.InvalidSpecError, KeyError, ValueError) as error:
        raise git_trouble(error, repository) from error


def _local(repository: str) -> pygit2.Repository:
    address = address_of(repository)
    if not address.path:
        remedy = "name the folder of a clone"
        raise UserMistake("a remote has no working copy", code="git-bare", where=clip(repository), remedy=remedy)
    return pygit2.Repository(address.path)


def _described(repo: pygit2.Repository, commit: str, repository: str) -> Head:
    """Foreign text of a commit is escaped and cut: it is shown, and never obeyed."""
    found = commit_of(repo, commit, repository)
    subject = found.raw_message.decode("utf-8", "replace").strip().partition("\n")[0]
    name, email = (raw.decode("utf-8", "replace") for raw in (found.author.raw_name, found.author.raw_email))
    return Head(commit, clip(subject), clip(f"{name} <{email}>"), Instant(found.commit_time * 1000))


def _no_branch(repository: str, branch: str, known: tuple[str, ...]) -> UserMistake:
    some = ", ".join(clip(name) for name in sorted(known)[:BRANCHES_NAMED])
    remedy = f"it has: {some}" if known else "commit something first"
    return UserMistake(
        f"there is no branch {clip(branch)}", code="git-no-branch", where=clip(repository), remedy=remedy
    )
