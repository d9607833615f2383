"""Sentences that must be true after every tick, whatever was drawn."""

from windlass.facts.state import ServiceState
from windlass.kernel.digests import short
from windlass.sim.world import World

WEIGHTS = 10_000


async def broken_promises(world: World, before: ServiceState) -> tuple[str, ...]:
    """What is wrong now; `before` is the state of the last tick."""
    state = await world.state()
    return (*_shares(world), *_quarantine(world, state), *_raised(before, state), *_generations(before, state))


def _shares(world: World) -> list[str]:
    found = []
    for piece in world.traffic.wish.services:
        total = sum(route.weight for route in piece.routes)
        if total != WEIGHTS:
            found.append(f"traffic shares sum to {total / 100:g}, not to 100")
    return found


def _quarantine(world: World, state: ServiceState) -> list[str]:
    """A quarantined release serves at most until the site has heard of it: never under the plan that names it."""
    return [
        f"quarantined release {short(route.release)} serves under a plan that bans it"
        for piece in world.traffic.wish.services
        for route in piece.routes
        if route.release in piece.banned and route.weight > 0
    ]


def _raised(before: ServiceState, state: ServiceState) -> list[str]:
    rollout = state.rollout
    if rollout is None:
        return []
    was = before.rollout.share if before.rollout is not None and before.rollout.rollout == rollout.rollout else 0.0
    record = state.releases[rollout.release]
    if rollout.share > was and record.verdict != "pass" and not record.overridden:
        return [f"a gate that says {record.verdict or 'nothing'} raised a share to {rollout.share:.0%}"]
    return []


def _generations(before: ServiceState, state: ServiceState) -> list[str]:
    if state.generation < before.generation:
        return [f"acknowledged facts are gone: {before.generation} before, {state.generation} now"]
    return []
