"""Python environments of services, made from their own requirements and kept by the digest of their lock."""

from dataclasses import dataclass
from typing import Protocol

from windlass.kernel.digests import Digest

# Appended last, the overlay loses against every package of the user.
_BEHIND = (
    "import runpy, sys; sys.path.append(sys.argv[1]); sys.argv[:] = sys.argv[2:];"
    " runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


@dataclass(frozen=True, slots=True)
class Environment:
    """`python` is the interpreter's path; `lock` the exact versions as `name==version` lines; `overlay` the folder that
    is appended to `sys.path` behind the user's packages, so that our model server can run there (empty: it is there
    already).
    """

    digest: Digest
    python: str
    lock: str
    overlay: str
    python_version: str = ""  # 3.11
    platform: str = ""  # operating system and processor: linux-x86_64

    def argv(self, module: str, *arguments: str) -> tuple[str, ...]:
        """The command that runs one of our modules here; the folder it runs in shadows nothing (`-P`)."""
        if not self.overlay:
            return (self.python, "-P", "-m", module, *arguments)
        return (self.python, "-P", "-c", _BEHIND, self.overlay, module, *arguments)


class Environments(Protocol):
    """Makes and finds environments."""

    async def prepare(self, folder: str, python: str, log: str, *, fresh: bool = False) -> Environment:
        """The environment of an exported service folder: its lock or requirements file, else our own packages.
        Requirements that were resolved before lead to the same environment, unless `fresh` says to resolve them again.

        Raises:
            UserMistake: the requirements cannot be met, or the Python version is out of range.
            Unavailable: the network or the disk failed.
        """
        ...

    async def locate(self, digest: Digest) -> Environment | None:
        """An environment that was made before and is complete."""
        ...

    async def restore(self, lock: str, python_version: str, log: str) -> Environment:
        """An environment from a release's own lock."""
        ...
