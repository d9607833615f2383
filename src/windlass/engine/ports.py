"""What the engine needs from the outside, chosen by `main` or by the simulator."""

from dataclasses import dataclass

from windlass.ports.artifacts import Artifacts
from windlass.ports.compute import Compute
from windlass.ports.git import Git
from windlass.ports.keys import Signer
from windlass.ports.leftovers import Leftovers
from windlass.ports.machine import Machine
from windlass.ports.sites import Sites
from windlass.ports.store import Store
from windlass.ports.world import Chance, Clock


@dataclass(frozen=True, slots=True)
class EnginePorts:
    clock: Clock
    chance: Chance
    store: Store
    git: Git
    compute: Compute
    artifacts: Artifacts
    sites: Sites
    signer: Signer
    machine: Machine
    leftovers: Leftovers
