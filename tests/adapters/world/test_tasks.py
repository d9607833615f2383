"""Spawned work is ended in a fixed order, and its errors are never lost."""

import asyncio

import pytest

from windlass.adapters.world import RealChance, RealTasks


def test_the_newest_is_ended_first() -> None:
    """Stopping cancels what was spawned last first, and waits for each before the next."""
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    async def main() -> None:
        tasks = RealTasks()
        for name in ("first", "second", "third"):
            tasks.spawn(name, work(name))
        await asyncio.sleep(0)
        await tasks.stop()
        await tasks.stop()

    asyncio.run(main())
    assert ended == ["third", "second", "first"]


def test_what_has_ended_is_not_waited_for() -> None:
    """Work that comes to its end is simply done."""
    done = []

    async def work() -> None:
        done.append(True)

    async def main() -> None:
        tasks = RealTasks()
        tasks.spawn("short", work())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await tasks.stop()

    asyncio.run(main())
    assert done == [True]


def test_an_error_ends_the_owner_with_that_error() -> None:
    """A failing task ends the one that spawned it, and the others, and its error is the one that is seen."""
    ended = []

    async def fails() -> None:
        raise RuntimeError("out of luck")

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("other")

    async def main() -> None:
        tasks = RealTasks()
        tasks.spawn("other", waits())
        tasks.spawn("unlucky", fails())
        try:
            await asyncio.Event().wait()
        finally:
            await tasks.stop()

    with pytest.raises(RuntimeError, match="out of luck"):
        asyncio.run(main())
    assert ended == ["other"]


def test_an_error_while_stopping_is_raised() -> None:
    """A task that fails in its last act is not forgotten, and the rest is still ended."""
    ended = []

    async def fails_at_the_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("at the end")

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("first")

    async def main() -> None:
        tasks = RealTasks()
        tasks.spawn("first", waits())
        tasks.spawn("second", fails_at_the_end())
        await asyncio.sleep(0)
        await tasks.stop()

    with pytest.raises(RuntimeError, match="at the end"):
        asyncio.run(main())
    assert ended == ["first"]


def test_the_first_of_two_errors_is_raised() -> None:
    """When several tasks fail, the cause is what failed first."""

    async def fails(words: str) -> None:
        raise RuntimeError(words)

    async def main() -> None:
        tasks = RealTasks()
        tasks.spawn("one", fails("cause"))
        tasks.spawn("two", fails("consequence"))
        try:
            await asyncio.Event().wait()
        finally:
            await tasks.stop()

    with pytest.raises(RuntimeError, match="cause"):
        asyncio.run(main())


def test_chance_is_in_its_range() -> None:
    """Numbers lie between the bounds, tokens are sixteen hex digits and do not come twice."""
    chance = RealChance()
    assert all(2.0 <= chance.uniform(2.0, 3.0) <= 3.0 for _ in range(100))
    tokens = {chance.token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(len(token) == 16 and int(token, 16) >= 0 for token in tokens)
