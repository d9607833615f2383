"""Running one command of the user, or one that loads the user's code. Such code never runs in our processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from windlass.ports.environments import Environment


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """One of our own modules that runs in a service's environment, and the arguments it gets.

    One that is not `forkable` is started anew: its variables must be there before any library is imported.
    """

    environment: Environment
    module: str
    arguments: tuple[str, ...] = ()
    forkable: bool = True

    @property
    def argv(self) -> tuple[str, ...]:
        """The command that runs it."""
        return self.environment.argv(self.module, *self.arguments)


@dataclass(frozen=True, slots=True)
class Command:
    """One command and its limits. A module's call may be forked from a process that has its libraries loaded,
    where it is `forkable`.

    `env` is the whole environment it sees. Output is appended to `log` as it comes (empty: only the tail is kept); the
    strings in `hidden` never reach it. `memory_bytes_max` bounds the resident memory of all its processes together
    (0: 80 % of the machine's memory).
    """

    argv: tuple[str, ...] | ModuleCall
    folder: str
    env: Mapping[str, str]
    log: str = ""
    memory_bytes_max: int = 0
    seconds_max: float = 3600.0
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, after the last of its processes was gone.

    `trouble` is empty where it ended by itself (whatever its exit code), limit where it was ended for its memory or
    time, disk where the disk was full, cancelled or crash where its guard was told to end or was killed. `words` say
    what happened, and are empty after exit code 0; `tail` holds the last lines of the output. A negative exit code is
    the signal that ended it. Memory pages that processes share are counted once for each.
    """

    exit_code: int
    trouble: str = ""
    words: str = ""
    tail: str = ""
    peak_memory_bytes: int = 0
    seconds: float = 0.0


class Processes(Protocol):
    """Runs commands of the user."""

    async def run(self, command: Command) -> Ended:
        """Run the command to its end.

        When the awaiting task is cancelled, or our own process dies, every process of the command is gone within a
        second, also those that forked, left their session or ignore signals.

        Raises:
            Unavailable: no process can be started now.
        """
        ...

    async def warm(self, environment: Environment) -> None:
        """Say that calls of modules in this environment will come soon; they may begin earlier then, and do not fail
        for it."""
        ...
