"""The site agent's process: gateway, replicas, and the door that works with the control plane dead."""

import json

from windlass.adapters.artifacts import FileArtifacts
from windlass.adapters.environments.local import LocalEnvironments
from windlass.adapters.keys import Ed25519Verifier
from windlass.adapters.processes.listeners import listen
from windlass.adapters.processes.local import LocalProcesses
from windlass.adapters.replicas import LocalReplicas, ReplicaSettings
from windlass.adapters.traffic.envoy import EnvoySettings, EnvoyTraffic
from windlass.adapters.uplink import HttpUplink
from windlass.adapters.world import RealChance, RealClock, RealDisk, RealTasks
from windlass.main.zygotes import zygotes_of
from windlass.sdk.homes import Home
from windlass.site.agent import SitePorts, SiteSettings, build
from windlass.site.socket import door, serve

DEFAULT_PORT = 8080


async def site(home: Home) -> None:
    """Run the agent until it is cancelled or told to go down."""
    clock = RealClock()
    tasks = RealTasks()
    uplink = HttpUplink(socket=str(home.api_socket), site="local", wait_seconds=5.0)
    ports = SitePorts(
        clock=clock,
        chance=RealChance(),
        disk=RealDisk(),
        tasks=tasks,
        traffic=EnvoyTraffic(
            EnvoySettings(folder=str(home.site / "gateway"), sockets=str(home.sockets / "e"), port=gateway_port(home)),
            clock,
        ),
        replicas=LocalReplicas(
            ReplicaSettings(folder=str(home.site), sockets=str(home.sockets / "r")),
            FileArtifacts(str(home.store)),
            LocalEnvironments(str(home.store), LocalProcesses()),
            clock,
            zygotes_of(home),
        ),
        uplink=uplink,
        verifier=Ed25519Verifier((home.site / "public.key").read_text().strip()),
    )
    agent = build(ports, SiteSettings(site="local", folder=str(home.site)))
    try:
        tasks.spawn("socket", serve(door(agent), listen(str(home.site_socket)), str(home.site_socket)))
        await agent.run()
    finally:
        await tasks.stop()
        await uplink.close()


def gateway_port(home: Home) -> int:
    """The port that `up` chose."""
    if not home.settings.exists():
        return DEFAULT_PORT
    port = json.loads(home.settings.read_text()).get("port", DEFAULT_PORT)
    return port if isinstance(port, int) else DEFAULT_PORT
