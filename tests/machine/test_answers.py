"""A replica killed in the middle of an answer."""

import asyncio
import subprocess

import pytest

from tests.adapters.traffic.scenes import eventually
from tests.machine.test_tools import tool
from tests.site.test_real_site import PredictingLoad, real_site
from windlass.kernel.digests import short

pytestmark = pytest.mark.machine


@pytest.mark.timeout(120)
def test_a_replica_killed_in_any_of_its_writes_loses_no_request() -> None:
    """The only replica is killed as it sends, four times under load, whichever part of an answer that is: what it did
    not send goes to the next process, and no caller gets half an answer."""

    async def story() -> None:
        async with real_site() as site:
            async with PredictingLoad(site.port, per_second=50) as load:
                for number in range(4):
                    await load.more(20)
                    pid = site.processes()[short(site.first)]
                    fault = f"inject=sendto:error=EAGAIN:signal=KILL:when={6 + number}"
                    argv = [tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", "trace=sendto", "-e", fault]
                    tracer = subprocess.Popen([*argv, "-p", str(pid)], stderr=subprocess.DEVNULL)
                    await eventually(lambda pid=pid: site.processes()[short(site.first)] != pid)  # type: ignore[misc]
                    tracer.wait(timeout=60)
                await load.more(50)
            assert {200: len(load.answers)} == load.statuses

    asyncio.run(story())
