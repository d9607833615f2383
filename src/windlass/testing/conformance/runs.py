"""How a kit runs what an adapter awaits."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


class Runs:
    """Runs coroutines to their end, each on a fresh loop."""

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """The result of `work`."""
        return asyncio.run(work)
