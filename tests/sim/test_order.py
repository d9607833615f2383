"""Who works first in a virtual second."""

import asyncio
import random

import pytest

from windlass.sim.sites import SimulatedSite
from windlass.sim.storms import SERVICE, SITES, SPEC
from windlass.sim.world import World

SECONDS = 40


def orders(
    monkeypatch: pytest.MonkeyPatch, order: random.Random | None, *, is_control_first: bool = False
) -> list[str]:
    """Who worked in each second, by initials."""
    worked: list[str] = []

    async def site_works(site: SimulatedSite) -> None:
        worked.append(site.name[0])

    async def callers_call(world: World, seconds: float) -> None:
        worked.append("c")

    async def control_works(world: World) -> None:
        worked.append("w")

    monkeypatch.setattr(SimulatedSite, "step", site_works)
    monkeypatch.setattr(World, "_call", callers_call)
    monkeypatch.setattr(World, "_turn", control_works)

    async def story() -> list[str]:
        world, found = World(1, SERVICE, SPEC, SITES), []
        world.order = order
        for _ in range(SECONDS):
            world.is_control_first = is_control_first
            await world.tick()
            found.append("".join(worked))
            worked.clear()
        return found

    return asyncio.run(story())


def test_without_a_seed_the_order_is_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers, sites in the order of their names, control plane: text sessions read like a story."""
    assert {"clnsw"} == set(orders(monkeypatch, None))


def test_with_a_seed_everybody_may_be_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody works once a second, each is first sometimes, and the seed alone says when."""
    found = orders(monkeypatch, random.Random("a"))
    assert {"clnsw"} == {"".join(sorted(one)) for one in found}
    assert set("clnsw") == {one[0] for one in found}
    assert found == orders(monkeypatch, random.Random("a"))
    assert found != orders(monkeypatch, random.Random("b"))


def test_the_control_plane_can_be_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was late under way is read before anybody says anything new."""
    assert {"w"} == {one[0] for one in orders(monkeypatch, random.Random("a"), is_control_first=True)}
