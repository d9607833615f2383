"""The real agent as a process of its own: `python -m tests.site.agent_process FOLDER PORT`."""

import asyncio
import sys
from pathlib import Path

from windlass.adapters.artifacts import FileArtifacts
from windlass.adapters.environments.local import LocalEnvironments
from windlass.adapters.keys import Ed25519Verifier
from windlass.adapters.processes.listeners import listen
from windlass.adapters.processes.local import LocalProcesses
from windlass.adapters.replicas import LocalReplicas, ReplicaSettings
from windlass.adapters.traffic.envoy import EnvoySettings, EnvoyTraffic
from windlass.adapters.uplink import HttpUplink
from windlass.adapters.world import RealChance, RealClock, RealDisk, RealTasks
from windlass.site.agent import build
from windlass.site.socket import door, serve
from windlass.site.types import SitePorts, SiteSettings


async def main(folder: str, port: int) -> None:
    """Serve until killed."""
    clock, tasks = RealClock(), RealTasks()
    store, site = f"{folder}/store", f"{folder}/site"
    environments = LocalEnvironments(store, LocalProcesses())
    ports = SitePorts(
        clock,
        RealChance(),
        RealDisk(),
        tasks,
        EnvoyTraffic(EnvoySettings(f"{site}/gateway", f"{folder}/e", port), clock),
        LocalReplicas(ReplicaSettings(site, f"{folder}/r"), FileArtifacts(store), environments, clock),
        HttpUplink(f"{folder}/api.sock", "local", wait_seconds=0.1),
        Ed25519Verifier(Path(site, "public.key").read_text()),
    )
    agent = build(ports, SiteSettings("local", site, reserved_bytes=1 << 20))
    tasks.spawn("socket", serve(door(agent), listen(f"{folder}/site.sock"), f"{folder}/site.sock"))
    try:
        await agent.run()
    finally:
        await tasks.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
