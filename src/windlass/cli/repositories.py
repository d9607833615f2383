"""Repositories as `up` is given them: paths and URLs, their branches, and the pointer that leads back to a home."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from windlass.cli.session import POINTER, Session, repository_root
from windlass.kernel.errors import UserMistake
from windlass.sdk.homes import Home

_REMOTE = re.compile(r"[a-z+]+://|[^/@]+@[^/:]+:")


@dataclass(frozen=True, slots=True)
class Watched:
    """A repository and its branch. `root` is None for a remote or bare one."""

    repository: str
    branch: str
    root: Path | None

    @property
    def name(self) -> str:
        """The last part of where it lies: the name of its home."""
        return self.repository.rstrip("/").rpartition("/")[2].removesuffix(".git")


def watched(session: Session, given: tuple[str, ...], branch: str) -> list[Watched]:
    """The repositories to watch: those given, else the one around the working folder.

    Raises:
        UserMistake: something given is no repository, or has no branch.
        Unavailable: it cannot be read now.
    """
    git = session.doors.git()
    found = []
    for text in given or (".",):
        root = None if _REMOTE.match(text) else _root(Path(text).absolute())
        repository = str(root) if root is not None else text
        found.append(Watched(repository, branch or asyncio.run(git.default_branch(repository)), _working(root)))
    return found


def _root(path: Path) -> Path:
    path = path.resolve()
    root = repository_root(path) if path.is_dir() else None
    if root is None and not (path / "objects").is_dir():
        raise UserMistake(
            "this is no Git repository",
            code="no-repository",
            where=str(path),
            remedy="`git init`, or name another folder",
        )
    return root or path


def _working(root: Path | None) -> Path | None:
    return root if root is not None and (root / ".git").exists() else None


def point_to(home: Home, root: Path) -> None:
    """Leave the pointer to a home in a working copy, where Git does not see it."""
    pointer = root / POINTER
    pointer.parent.mkdir(exist_ok=True)
    pointer.write_text(f"{home.folder}\n", encoding="utf-8")
    exclude = _git_folder(root) / "info" / "exclude"
    line = f"/{POINTER.parent}/"
    known = exclude.read_text(encoding="utf-8") if exclude.exists() else ""
    if line not in known.splitlines():
        exclude.parent.mkdir(exist_ok=True)
        exclude.write_text(known + ("" if not known or known.endswith("\n") else "\n") + line + "\n", encoding="utf-8")


def _git_folder(root: Path) -> Path:
    """The folder that all working copies of a repository share."""
    git = root / ".git"
    if git.is_file():  # a further working tree, or a submodule
        git = root / git.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
    common = git / "commondir"
    return git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
