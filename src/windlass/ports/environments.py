"""Python environments of services, made from their own requirements and kept by the digest of their lock."""

from dataclasses import dataclass
from typing import Protocol

from windlass.kernel.digests import Digest


@dataclass(frozen=True, slots=True)
class Environment:
    """`python` is the interpreter's path; `lock` the exact versions as `name==version` lines; `overlay` the folder that
    is appended to `sys.path` behind the user's packages, so that our model server can run there."""

    digest: Digest
    python: str
    lock: str
    overlay: str


class Environments(Protocol):
    """Makes and finds environments."""

    async def prepare(self, folder: str, python: str, log: str) -> Environment:
        """The environment of an exported service folder: its lock or requirements file, else our own packages.

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
