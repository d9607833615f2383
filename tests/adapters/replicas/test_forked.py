"""Which replicas are forked from a process that has loaded their libraries, and which are started anew."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from tests.adapters.replicas.scenes import ReplicaScene, replica_scene
from windlass.adapters.processes.zygotes import Zygotes
from windlass.ports.replicas import ReplicaProcess, ReplicaWanted
from windlass.testing.conformance.replicas import until


async def ready(scene: ReplicaScene, name: str) -> ReplicaProcess:
    """A replica of the good release, started and waited for."""
    await scene.replicas.start(ReplicaWanted(name, "fraud", scene.good, 0, 5.0))
    return await until(scene, name, "ready")


def is_forked(replica: ReplicaProcess) -> bool:
    """A child keeps the command line of the process that it was forked from."""
    return b"windlass.serving.zygote" in Path(f"/proc/{replica.pid}/cmdline").read_bytes()


@contextlib.asynccontextmanager
async def forking() -> AsyncIterator[tuple[ReplicaScene, Path]]:
    """A site whose replicas may be forked, and the folder of its zygotes' sockets."""
    async with replica_scene() as scene:
        sockets = Path(scene.folder, "z")
        scene.again(Zygotes(str(sockets), f"{scene.folder}/zygotes.log", "windlass.serving.inference"))
        try:
            yield scene, sockets
        finally:
            for path in sockets.glob("*.sock"):
                path.unlink()  # a zygote ends without its path


def test_the_first_replica_waits_for_no_zygote() -> None:
    """Where none listens the first of a release is started anew, and wakes one when it is ready: whatever starts from
    then on, its own successor too, is forked."""

    async def story() -> None:
        async with forking() as (scene, sockets):
            first = await ready(scene, "fraud-0")
            assert (False, 1) == (is_forked(first), len(list(sockets.glob("*.sock"))))
            assert is_forked(await ready(scene, "fraud-1"))
            os.kill(first.pid, signal.SIGKILL)
            await until(scene, "fraud-0", "failed")
            assert is_forked(await ready(scene, "fraud-0"))

    asyncio.run(story())


def test_who_starts_beside_another_shares_its_libraries() -> None:
    """Of several that start together the first is started anew and the others are forked, so that pages are shared."""

    async def story() -> None:
        async with forking() as (scene, _):
            names = ("fraud-0", "fraud-1", "fraud-2")
            for name in names:
                await scene.replicas.start(ReplicaWanted(name, "fraud", scene.good, 0, 5.0))
            assert [False, True, True] == [is_forked(await until(scene, name, "ready")) for name in names]

    asyncio.run(story())
