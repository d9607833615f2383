"""A seam between a process and its ports, at which every call is counted and may be hindered, or be the last one.

A simulated process is killed by an error that no code of ours catches, raised before a call reaches the port or after
it has taken effect: whatever the process had not stored is gone with it.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from windlass.kernel.errors import Unavailable

PortT = TypeVar("PortT")
Call = Callable[[], Awaitable[Any]]
Hindrance = Callable[[Call], Awaitable[Any]]


class Killed(BaseException):
    """The process ended at this call; nothing in it may catch this."""


@dataclass(slots=True)
class Tap:
    """The seam of one process.

    `hindrances` stand in the way of some verbs, by `<port>.<verb>`; `calls` counts every call by the same name;
    `dies_in` is the number of calls after which the process is killed, -1 for never, `dies_after` says whether the
    last call still takes effect.
    """

    hindrances: dict[str, Hindrance] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    dies_in: int = -1
    dies_after: bool = False

    async def pass_on(self, name: str, call: Call) -> Any:
        """One call on its way to its port."""
        self.calls[name] = self.calls.get(name, 0) + 1
        is_last = self.dies_in == 0
        self.dies_in -= 1
        if is_last and not self.dies_after:
            raise Killed(name)
        hindrance = self.hindrances.get(name)
        answer = await call() if hindrance is None else await hindrance(call)
        if is_last:
            raise Killed(name)
        return answer


def tapped(port: PortT, name: str, tap: Tap) -> PortT:
    """The port behind a tap."""
    return cast(PortT, _Tapped(port, name, tap))


class _Tapped:
    def __init__(self, port: object, name: str, tap: Tap) -> None:
        self._port = port
        self._name = name
        self._tap = tap

    def __getattr__(self, verb: str) -> Any:
        real = getattr(self._port, verb)
        if not inspect.iscoroutinefunction(real):
            return real
        tap, name = self._tap, f"{self._name}.{verb}"

        def through(*arguments: Any, **named: Any) -> Awaitable[Any]:
            if tap.dies_in < 0 and name not in tap.hindrances:  # nearly all calls; what follows costs more than they do
                tap.calls[name] = tap.calls.get(name, 0) + 1
                return cast(Awaitable[Any], real(*arguments, **named))
            return tap.pass_on(name, lambda: real(*arguments, **named))

        setattr(self, verb, through)  # found without this detour from now on
        return through


def fails(words: str, code: str) -> Hindrance:
    """The port does not do it, and says so."""

    async def hinder(call: Call) -> Any:
        raise Unavailable(words, code=code)

    return hinder


def answer_lost(words: str, code: str) -> Hindrance:
    """The port does it, and the caller hears that it failed."""

    async def hinder(call: Call) -> Any:
        await call()
        raise Unavailable(words, code=code)

    return hinder


def lies(answer: Any) -> Hindrance:
    """The port does nothing and says this."""

    async def hinder(call: Call) -> Any:
        return answer

    return hinder


def twice() -> Hindrance:
    """Every request arrives two times."""

    async def hinder(call: Call) -> Any:
        await call()
        return await call()

    return hinder


def stale() -> Hindrance:
    """The port answers now what it answered first: a view that nobody renews."""
    first: list[Any] = []

    async def hinder(call: Call) -> Any:
        if not first:
            first.append(await call())
        return first[0]

    return hinder


def changed(change: Callable[[Any], Any]) -> Hindrance:
    """The port does it and answers something else."""

    async def hinder(call: Call) -> Any:
        return change(await call())

    return hinder


def slow(pause: Callable[[], None]) -> Hindrance:
    """The port takes its time; `pause` lets it pass."""

    async def hinder(call: Call) -> Any:
        pause()
        return await call()

    return hinder
