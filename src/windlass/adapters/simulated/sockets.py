"""Callers at the sockets of a release: who is answered at once, who waits, and who is turned away.

As with the real gateway: it tries the sockets of one release until one takes the request. A socket that nobody holds
refuses; one that the agent holds for the successor of a dead replica lets callers wait until the time-out has passed.
While one replica answers nobody waits at another one's socket: the gateway sends callers where the fewest are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from windlass.kernel.instants import Instant, seconds_between


class Socket(StrEnum):
    """What becomes of a request at a socket."""

    ANSWERS = "answers"
    WAITS = "waits"
    REFUSES = "refuses"


Sockets = Callable[[str], Socket]


def everybody_answers(path: str) -> Socket:
    """Sockets behind which nothing ever breaks."""
    return Socket.ANSWERS


def reception(paths: Sequence[str], sockets: Sockets) -> Socket:
    """What becomes of a request to a release with these sockets."""
    found = {sockets(path) for path in paths}
    return next((one for one in (Socket.ANSWERS, Socket.WAITS) if one in found), Socket.REFUSES)


@dataclass(frozen=True, slots=True)
class Group:
    """Requests of one step to one release that came together, at the instant `since` of the true time and in the
    second `admitted` of the site's clock; they give up after `timeout_seconds`."""

    step: tuple[str, str, str]  # service, step, release
    paths: tuple[str, ...]
    count: int
    since: Instant
    admitted: int
    timeout_seconds: float
    failed: float = 0.0
    milliseconds: float = 10.0

    def waited_seconds(self, now: Instant) -> float:
        """For how long they have waited."""
        return min(self.timeout_seconds, seconds_between(self.since, now))


@dataclass(slots=True)
class Hall:
    """Those who wait."""

    groups: list[Group] = field(default_factory=list)

    def called(self, sockets: Sockets, now: Instant) -> tuple[list[Group], list[Group]]:
        """Those who are answered now, and those who are turned away; nobody of them waits any longer.

        A release that answers now did so in time: between two looks nothing happens but that replicas get ready.
        """
        answered, away, rest = [], [], []
        for group in self.groups:
            at = reception(group.paths, sockets)
            if at is Socket.ANSWERS:
                answered.append(group)
            elif at is Socket.REFUSES or seconds_between(group.since, now) >= group.timeout_seconds:
                away.append(group)
            else:
                rest.append(group)
        self.groups = rest
        return answered, away
