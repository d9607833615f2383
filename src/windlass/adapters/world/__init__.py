"""The real clock, chance, disk and tasks: the world that the simulator replaces."""

from windlass.adapters.world.chance import RealChance
from windlass.adapters.world.clock import RealClock
from windlass.adapters.world.disk import RealDisk
from windlass.adapters.world.tasks import RealTasks

__all__ = ["RealChance", "RealClock", "RealDisk", "RealTasks"]
