"""What offline verbs reach of the world: ports that `main` chooses, each made when a verb first asks for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # typing costs more to load than `windlass --help` may take
    from windlass.ports.compute import Compute
    from windlass.ports.git import CanReadWorkingTree, Git
    from windlass.ports.machine import Machine
    from windlass.ports.tables import Tables

    class Repositories(Git, CanReadWorkingTree, Protocol):
        """Git, working copies included."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Makers of ports.

    `machine` and `compute` belong to the home whose folder they are given; `starter` gives the bytes of a file that
    `init` copies; `gateway` the path of the gateway's program.
    """

    git: Callable[[], "Repositories"]
    tables: Callable[[], "Tables"]
    machine: Callable[[str], "Machine"]
    compute: Callable[[str], "Compute"]
    starter: Callable[[str], bytes]
    gateway: Callable[[], str]
