"""A replica killed in the middle of an answer."""

import asyncio
import subprocess

import pytest

from tests.machine.test_tools import tool
from tests.site.test_real_site import PredictingLoad, real_site

pytestmark = pytest.mark.machine


@pytest.mark.timeout(120)
def test_a_replica_killed_in_any_of_its_writes_loses_no_request() -> None:
    """The only replica is killed as it sends, four times under load, whichever part of an answer that is: what it did
    not send goes to the next process, and no caller gets half an answer."""

    async def story() -> None:
        tracers: list[subprocess.Popen[bytes]] = []
        async with real_site() as site:
            async with PredictingLoad(site.port, per_second=50) as load:
                for number in range(4):
                    await site.lose_replica(load, lambda pid, first=6 + number: tracers.append(_traced(pid, first)))  # type: ignore[misc]
                    tracers.pop().wait(timeout=60)
                await load.more(50)
            assert {200: len(load.answers)} == load.statuses

    asyncio.run(story())


def _traced(pid: int, sends: int) -> "subprocess.Popen[bytes]":
    """The process is killed as it sends for the so-manieth time from now on."""
    fault = f"inject=sendto:error=EAGAIN:signal=KILL:when={sends}"
    argv = [tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=sendto", "-e", fault, "-p", str(pid)]
    return subprocess.Popen(argv, stderr=subprocess.DEVNULL)
