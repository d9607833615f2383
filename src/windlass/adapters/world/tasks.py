"""Work beside the caller, ended in a fixed order: asyncio's own helpers cancel in the order of memory addresses."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class RealTasks:
    """Spawns on the running loop.

    The task that spawns first owns the others. An error in one of them cancels the owner, and `stop`, which the owner
    awaits at its end, raises that error: so it ends the process instead of being forgotten.
    """

    def __init__(self) -> None:
        self._running: list[asyncio.Task[None]] = []
        self._owner: asyncio.Task[Any] | None = None
        self._error: BaseException | None = None

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside the caller."""
        if self._owner is None:
            self._owner = asyncio.current_task()
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.append(task)
        task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Cancel what was spawned, newest first, and wait for it.

        Raises:
            BaseException: the first error of a spawned task.
        """
        self._owner = None
        while self._running:
            task = self._running[-1]
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.remove(task)
        if task.cancelled() or task.exception() is None:
            return
        if self._error is None:
            self._error = task.exception()
        if self._owner is not None:
            self._owner.cancel(f"{task.get_name()} failed")
