"""Plans that a site keeps away, and what it serves after a restart."""

import asyncio
from dataclasses import replace

import pytest

from tests.site.worlds import SERVICE, A, B, Seals, World, in_a_world, name_of, signed, slice_of
from windlass.ports.sites import SignedPlan

CANARY = slice_of("s2 a95 b5", way_back=A)

GOOD = signed(2, slice_of("s2 b100"))
ONLY_B = slice_of("s2 b100")
FAULTY = [
    slice_of("s2 a60 b60"),
    replace(ONLY_B, replicas=()),
    replace(ONLY_B, routes=()),
    replace(ONLY_B, step_id="s 2"),
    replace(ONLY_B, unit_header="x user"),
    replace(ONLY_B, timeout_seconds=0.0),
    replace(ONLY_B, routes=(*ONLY_B.routes, replace(ONLY_B.routes[0], weight=0))),
    replace(ONLY_B, routes=(replace(ONLY_B.routes[0], release="latest"),)),
]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (replace(GOOD, signature="00"), "signature"),
        (replace(GOOD, payload=GOOD.payload[:-5]), "signature"),
        (replace(signed(2), payload="{", signature=signed(2).signature), "signature"),
        (signed(2, site="edge"), "edge"),
        (replace(GOOD, generation=3), "envelope"),
        (signed(2, slice_of("s1 a100"), slice_of("s2 b100")), "twice"),
    ],
)
def test_a_bad_plan_is_kept_away(plan: SignedPlan, words: str) -> None:
    """A plan that is forged, cut short or not meant for this site changes nothing, and the report says why."""

    async def story(world: World) -> None:
        await world.ready(1, slice_of("s1 a100"))
        world.uplink.plan = plan
        await world.tick(4)
        assert ("s1 a100", 1) == (world.routes, world.report.generation)
        assert words in world.report.stuck["plan"]
        await world.ready(4, slice_of("s2 b100"))
        assert {} == world.report.stuck

    asyncio.run(story(World()))


@in_a_world
async def test_a_plan_that_is_signed_and_senseless_is_kept_away(world: World) -> None:
    """Even a good signature does not make nonsense a plan."""
    await world.ready(1, slice_of("s1 a100"))
    for payload in ("[]", "{", '{"site":"local","generation":2,"services":[],"new":1}', "[" * 100_000):
        world.uplink.plan = SignedPlan("local", 2, payload, Seals().sign(payload.encode()))
        await world.tick(2)
        assert "cannot be read" in world.report.stuck["plan"]
    assert "s1 a100" == world.routes


@pytest.mark.parametrize("piece", FAULTY)
def test_a_faulty_slice_stops_its_service_alone(piece: object) -> None:
    """A service whose slice is senseless keeps its old one, another one follows the plan."""

    async def story(world: World) -> None:
        await world.ready(1, slice_of("s1 a100"), slice_of("s1 a100", "churn"))
        world.publish(2, piece, slice_of("s2 b100", "churn"))  # type: ignore[arg-type]
        await world.tick(6)
        assert "s1 a100" == world.routes
        assert {B: 3} == world.traffic.send("churn", 3)
        assert [SERVICE] == list(world.report.stuck)
        assert (SERVICE,) == world.report.unready

    asyncio.run(story(World()))


@in_a_world
async def test_a_name_that_could_leave_a_folder_is_no_service(world: World) -> None:
    """A service's name becomes part of paths; one with a slash is refused."""
    world.publish(1, slice_of("s1 a100", "../../etc"))
    await world.tick(3)
    assert () == world.traffic.wish.services
    assert [] == world.replicas.calls


@in_a_world
async def test_an_older_plan_changes_nothing(world: World) -> None:
    """Generations only grow, whatever the control plane lays out."""
    await world.ready(5, slice_of("s1 a100"))
    world.publish(4, slice_of("s2 b100"))
    await world.tick(3)
    for generation in (4, 5):
        assert not await world.agent._holding.accept(signed(generation, slice_of("s2 b100")))
    assert ("s1 a100", 5) == (world.routes, world.report.generation)


@in_a_world
async def test_a_restarted_agent_goes_on_alone(world: World) -> None:
    """With the control plane gone, a new agent serves the stored plan and starts what is missing."""
    await world.ready(1, slice_of("s1 a100"))
    world.uplink.is_cut = True
    world.replicas.crash(name_of("a0"))
    world.traffic.is_up = False
    world.start_agent()
    await world.tick(4)
    assert {A: 5} == world.traffic.send(SERVICE, 5)


@in_a_world
async def test_a_restart_during_a_rollout_does_not_route_to_the_unready(world: World) -> None:
    """An agent that dies before the candidate is ready wakes up knowing that the candidate was not routed."""
    await world.ready(1, slice_of("s1 a100"))
    world.replicas.hold(B)
    world.publish(2, CANARY)
    await world.tick(2)
    world.start_agent()
    await world.tick(3)
    assert ("s1 a100", (SERVICE,)) == (world.routes, world.report.unready)


@in_a_world
async def test_without_its_state_a_site_gives_the_unready_nothing(world: World) -> None:
    """An agent that lost what it knew of its gateway lets the champion answer until the candidate is ready."""
    await world.ready(1, slice_of("s1 a100"))
    world.replicas.hold(B)
    world.publish(2, CANARY)
    world.disk.files["/site/state.json"] = b"{"
    world.start_agent()
    await world.tick(3)
    assert ({A: 100}, (SERVICE,)) == (world.traffic.send(SERVICE, 100), world.report.unready)
    world.replicas.let(B)
    await world.tick(3)
    assert ("s2 a95 b5", ()) == (world.routes, world.report.unready)


@in_a_world
async def test_a_damaged_plan_on_disk_leaves_the_one_before(world: World) -> None:
    """When the stored plan cannot be verified at the start, the previous one is in force, and the report says so."""
    await world.ready(1, slice_of("s1 a100"))
    await world.ready(2, slice_of("s2 b100"))
    for damage in (b"{", world.disk.files["/site/plan.json"].replace(b"s2", b"s9")):
        world.disk.files["/site/plan.json"] = damage
        world.uplink.is_cut = True
        agent = world.start_agent()
        await world.tick(4)
        assert 1 == agent.status()["generation"]
        assert "plan" in agent.status()["stuck"]
        world.uplink.is_cut = False
        await world.tick(2)
        assert 2 == world.report.generation


@in_a_world
async def test_what_a_lost_plan_banned_stays_banned(world: World) -> None:
    """When the newest plan cannot be read any more the one before is in force, without the release that the newest had
    put into quarantine, however often the agent starts; a plan that lifts the ban is followed."""
    await world.ready(1, slice_of("s1 a100"))
    await world.ready(2, slice_of("s2 a95 b5"))
    await world.ready(3, slice_of("s3 a100", banned=(B,)))
    world.disk.files["/site/plan.json"] = world.disk.files["/site/plan.json"][:-40]
    world.uplink.is_cut = True
    for _ in range(2):
        world.start_agent()
        await world.tick(6)
        assert {A: 100} == world.traffic.send(SERVICE, 100)
    world.uplink.is_cut = False
    await world.ready(4, slice_of("s4 a95 b5"))
    assert "s4 a95 b5" == world.routes


@in_a_world
async def test_reports_go_on_counting_after_a_restart(world: World) -> None:
    """The number of a report is above all that were ever used, whichever agent sends it."""
    await world.ready(1, slice_of("s1 a100"))
    for _ in range(3):
        before = world.report.seq
        world.start_agent()
        await world.tick(2)
        assert world.report.seq > before


@in_a_world
async def test_a_damaged_state_does_not_stop_a_site(world: World) -> None:
    """Half a state file counts as none: the site serves on."""
    await world.ready(1, slice_of("s1 a100"))
    world.disk.files["/site/state.json"] = b'{"reserved"'
    world.start_agent()
    await world.tick(4)
    assert {A: 5} == world.traffic.send(SERVICE, 5)
