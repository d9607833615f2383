"""What the status says in one sentence."""

import asyncio

import pytest

from windlass.engine.queries import _headline
from windlass.facts.state import ServiceState
from windlass.sim.scripts import Script
from windlass.sim.storms import SERVICE, SPEC
from windlass.sim.world import World


@pytest.mark.parametrize(("refused", "told"), [(("a",), "a"), (("a", "b", "c"), "a; and 2 more")])
def test_a_refused_file_is_named_with_its_first_complaint(refused: tuple[str, ...], told: str) -> None:
    """The sentence names the commit and the first complaint, and counts the others, which are listed beside it."""
    state = ServiceState("visits", refused=refused, refused_commit="aaaaaaaaaaaaffff")
    assert ("refused", f"the file of commit aaaaaaaaaaaa is refused: {told}") == _headline(state, None, (), ())


def test_a_plan_that_contradicts_itself_is_the_headline() -> None:
    """It stands before everything else, a refused file too: nothing that the service wants is carried out."""
    state = ServiceState("visits", refused=("a",), refused_commit="aaaaaaaaaaaaffff")
    word, told = _headline(state, None, ("a share of 130 %", "nothing is live"), ())
    assert ("contradiction", True) == (word, told.endswith(": a share of 130 %; nothing is live"))


def test_what_is_in_memory_is_not_read_again() -> None:
    """The store is asked once for what many look at, and again after somebody else may have stored something."""

    async def story() -> None:
        world = World(1, SERVICE, SPEC)
        await world.begin_with(Script("v1"))
        engine, before = world.engine, world.tap.calls["store.load"]
        assert engine is not None
        engine.stored = None
        assert [await engine.current() for _ in range(3)] == 3 * [await world.store.load()]
        assert before + 1 == world.tap.calls["store.load"]

    asyncio.run(story())
