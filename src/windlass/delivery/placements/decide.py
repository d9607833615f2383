"""Where replicas run. One machine takes them all: each release that gets traffic has the file's number of replicas."""

from windlass.delivery.placements.types import Placed, PlacementMove, PlacementView, ReplicasWanted
from windlass.kernel.decisions import Decision
from windlass.kernel.instants import Instant


def decide(view: PlacementView, now: Instant) -> Decision[PlacementMove]:
    """Say whether replicas are wanted."""
    wanted = ReplicasWanted(len(view.releases), view.replicas)
    return Decision(PlacementMove.PLACE if view.releases else PlacementMove.NONE, wanted)


def placed(view: PlacementView) -> tuple[Placed, ...]:
    """The replicas of each release, in the order of the releases."""
    return tuple(Placed(release, view.replicas, view.memory_bytes) for release in view.releases)
