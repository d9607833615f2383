"""A working copy read as if it were a commit: for `plan` and `validate`, which look before anything is committed."""

import asyncio
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from windlass.cli.doors import Doors
from windlass.cli.session import repository_root
from windlass.delivery.gates.lines import gate_check
from windlass.delivery.sources.keys import SPEC_NAME
from windlass.delivery.sources.tree import paths_to_read, untracked_data, wanted_from_tree
from windlass.delivery.sources.types import CommitTree, TreeReading
from windlass.kernel.errors import UserMistake


@dataclass(frozen=True, slots=True)
class Working:
    """What a working copy wants. `commit` is the one below it, empty before the first; `changed` the paths that differ
    from it; `files` the content of every `windlass.yaml`."""

    root: Path
    commit: str
    changed: tuple[str, ...]
    reading: TreeReading
    files: Mapping[str, bytes]


def read_working(doors: Doors, folder: Path) -> Working:
    """The working copy around a folder, uncommitted changes included.

    Raises:
        UserMistake: the folder is in no repository, or something in it cannot be read.
        Unavailable: the disk fails.
    """
    root = repository_root(folder.resolve())
    if root is None:
        raise UserMistake(
            "this is in no Git repository", code="no-repository", where=str(folder), remedy="`git init` first"
        )
    return asyncio.run(_read(doors, root))


async def _read(doors: Doors, root: Path) -> Working:
    git, machine = doors.git(), doors.machine(str(root))
    tree = await git.working_tree(str(root))
    files: dict[str, bytes] = {}
    while missing := paths_to_read(tree.entries, files):
        files |= {path: await git.read_working(str(root), path) for path in missing}
    digests: dict[str, str] = {}
    for location in untracked_data(tree.entries, files, gate_check):
        path = location.location.removeprefix("file://")
        digest = await machine.digest(path if path.startswith("/") else str(root / location.folder / path))
        if digest is not None:
            digests[location.key] = digest
    reading = wanted_from_tree(CommitTree(tree.entries, files, digests, machine.python()), gate_check)
    specs = {path: data for path, data in files.items() if posixpath.basename(path) == SPEC_NAME}
    return Working(root, tree.commit, tree.changed, reading, specs)


def spec_path(folder: Path) -> Path:
    """Where a folder's file lies."""
    return folder / SPEC_NAME
