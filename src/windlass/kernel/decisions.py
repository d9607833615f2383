"""What every stage returns: a move, the reason, what it waits for, and the evidence it used."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from windlass.kernel.instants import Instant

MoveT = TypeVar("MoveT")


class Because(Protocol):
    """A reason that can say itself, so that CLI, API, console and tests use the same words."""

    def sentence(self) -> str:
        """The reason in one sentence with its numbers, without a full stop."""
        ...


@dataclass(frozen=True, slots=True)
class Until:
    """What a wait ends with. `at` is the instant when it is worth looking again, where that is known."""

    words: str
    at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Decision(Generic[MoveT]):
    """One stage's answer. A move that waits carries an `until`; `evidence` holds lines of detail for `why`."""

    move: MoveT
    because: Because
    until: Until | None = None
    evidence: tuple[str, ...] = ()
