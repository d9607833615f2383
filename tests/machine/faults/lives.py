"""What a walk of faults needs to know of a life: a short lifecycle of real parts that can be lived again after a crash.

A life is told in words as soon as something is promised. Lived a second time in the same folder it takes up what the
first one left, as the supervisor would let it, and comes to the same end.
"""

import asyncio
import os
import traceback
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from windlass.kernel.errors import WindlassError

Tell = Callable[[str], None]
ENDED, STOPPED, BROKEN = 0, 1, 3  # it came to its end; an error that people can read ended it; a bug did


@dataclass(frozen=True, slots=True)
class Life:
    """`live(folder, tell, round)` is lived in round 1 under a fault and in round 2 without one; `wrong(folder, told)`
    says which promises are broken, `told` being the words of both rounds, those of the first one marked by `1`. What
    `ready(folder)` lays out is there before the first round, what `around()` makes lasts for a whole walk."""

    name: str
    live: Callable[[str, Tell, int], Coroutine[Any, Any, None]]
    wrong: Callable[[str, Sequence[tuple[int, str]]], Coroutine[Any, Any, list[str]]]
    ready: Callable[[str], None] = lambda folder: None
    around: Callable[[], AbstractContextManager[None]] = nullcontext


class Log:
    """Standard error without the call `write`, so that no fault falls on the words themselves."""

    def write(self, text: str) -> int:
        os.writev(2, [text.encode()])
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


def say(words: object) -> None:
    """One line in the log."""
    os.writev(2, [f"{words}\n".encode()])


def lived(work: Coroutine[Any, Any, None]) -> int:
    """Run a life to its end as our processes are run: an error of ours is told in one line, a bug by its traceback."""

    async def main() -> None:
        # One thread, so that the calls of a life have the same numbers each time.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        await work

    try:
        asyncio.run(main())
    except WindlassError as error:
        say(error)
        return STOPPED
    except BaseException:
        say(traceback.format_exc())
        return BROKEN
    return ENDED
