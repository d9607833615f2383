"""One worker thread behind a bounded queue: requests are decoded, predicted and encoded there, one after the other.

More threads would only take turns at the interpreter's lock; a service scales by replicas. The event loop stays free
for health calls, time limits and the refusal of what is too much.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

ResultT = TypeVar("ResultT")


class Overloaded(Exception):
    """The queue is full."""


class Turn(Generic[ResultT]):
    """One request's turn. Its future ends with the result, or with TimeoutError at the deadline."""

    def __init__(self, work: Callable[["Turn[ResultT]"], ResultT], seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._work = work
        self._began = self._loop.time()
        self._timer = self._loop.call_later(seconds, self._expire)
        self.future: asyncio.Future[ResultT] = self._loop.create_future()

    def tighten(self, seconds: float) -> None:
        """Bring the deadline forward to `seconds` after the turn was made; called by the work, in its thread."""
        self._loop.call_soon_threadsafe(self._rearm, self._began + seconds)

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.future.done()

    def do(self) -> None:
        """Do the work, in the calling thread, and hand its end to the event loop."""
        try:
            result = self._work(self)
        except BaseException as error:
            self._hand_over(partial(self.future.set_exception, error))
        else:
            self._hand_over(partial(self.future.set_result, result))

    def _hand_over(self, end: Callable[[], None]) -> None:
        def finish() -> None:
            self._timer.cancel()
            if not self.future.done():
                end()

        self._loop.call_soon_threadsafe(finish)

    def _rearm(self, when: float) -> None:
        if when < self._timer.when():
            self._timer.cancel()
            self._timer = self._loop.call_at(when, self._expire)

    def _expire(self) -> None:
        if not self.future.done():
            self.future.set_exception(TimeoutError())


class Worker:
    """The thread and its queue. `places` turns may wait beside the one at work."""

    def __init__(self, places: int) -> None:
        self._turns: queue.Queue[Turn[object]] = queue.Queue(places)
        self._busy_since = 0.0
        threading.Thread(target=self._serve, name="predictions", daemon=True).start()

    async def run(self, work: Callable[[Turn[ResultT]], ResultT], seconds: float) -> ResultT:
        """The result of `work`.

        Raises:
            Overloaded: no place is free.
            TimeoutError: it did not end within `seconds`. Work that has begun runs on, its result is dropped.
        """
        turn = Turn(work, seconds)
        try:
            self._turns.put_nowait(turn)  # type: ignore[arg-type]
        except queue.Full:
            turn.future.cancel()
            raise Overloaded from None
        return await turn.future

    def busy_seconds(self) -> float:
        """For how long the work at hand has been running; 0 between two turns."""
        since = self._busy_since
        return time.monotonic() - since if since else 0.0

    def _serve(self) -> None:
        while True:
            turn = self._turns.get()
            if turn.is_over:
                continue
            self._busy_since = time.monotonic()
            turn.do()
            self._busy_since = 0.0
