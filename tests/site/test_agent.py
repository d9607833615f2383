"""A site's agent over a world in memory: it follows good plans, keeps away bad ones, and goes on alone."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import wraps
from typing import Any

import pytest

from tests.site.worlds import SERVICE, A, B, Seals, World, name_of, signed, slice_of
from windlass.adapters.simulated.world import disk_full, no_fault
from windlass.kernel.errors import Refused, Unavailable, UserMistake
from windlass.ports.sites import SignedPlan
from windlass.site.acts import Asked

Story = Callable[[World], Coroutine[Any, Any, None]]
CANARY = slice_of("s2 a95 b5", way_back=A)
ROLLBACK = Asked("rollback", SERVICE, "ann", "it lies")


def in_a_world(story: Story) -> Callable[[], None]:
    """Run a story in a new world."""

    @wraps(story)
    def test() -> None:
        asyncio.run(story(World()))

    del test.__wrapped__  # pytest would ask for the world as a fixture
    return test


# -- following plans ---------------------------------------------------------------------------------------


@in_a_world
async def test_a_first_plan_is_carried_out(world: World) -> None:
    """Replicas start, then the gateway routes, then the report says which plan is in force."""
    world.publish(1, slice_of("s1 a100"))
    await world.tick()
    assert (("start", name_of("a0")), "") == (world.replicas.calls[0], world.report.stuck.get(SERVICE, ""))
    assert [SERVICE] == list(world.report.unready)
    await world.tick(3)
    assert "s1 a100" == world.routes
    assert (1, []) == (world.report.generation, list(world.report.unready))
    assert {A: 10} == world.traffic.send(SERVICE, 10)


@in_a_world
async def test_a_candidate_gets_traffic_only_when_it_is_ready(world: World) -> None:
    """Until the candidate's replica is ready all goes to the champion, and the report says so."""
    await world.ready(1, slice_of("s1 a100"))
    world.replicas.hold(B)
    world.publish(2, CANARY)
    await world.tick(5)
    assert ("s1 a100", (SERVICE,)) == (world.routes, world.report.unready)
    world.replicas.let(B)
    await world.tick(3)
    assert ("s2 a95 b5", (), 2) == (world.routes, world.report.unready, world.report.generation)


@in_a_world
async def test_a_release_that_left_drains_before_it_ends(world: World) -> None:
    """The old release keeps its endpoints for as long as a request may take, then its replica ends."""
    await world.ready(1, slice_of("s1 a100"))
    await world.ready(2, slice_of("s2 b100"))
    assert ("stop", name_of("a0")) not in world.replicas.calls
    await world.tick(25)
    assert ("stop", name_of("a0")) in world.replicas.calls
    assert {B} == {one.release for one in world.traffic.wish.endpoints}


@in_a_world
async def test_a_settled_site_calls_and_writes_nothing(world: World) -> None:
    """With nothing to do, passes give no order, write no file and report only now and then."""
    await world.ready(1, slice_of("s1 a100"))
    await world.tick(3)
    calls, wishes, reports = len(world.replicas.calls), world.traffic.calls, len(world.uplink.reports)
    world.disk.fault = _writes_are_mistakes
    await world.tick(50)
    assert (calls, wishes) == (len(world.replicas.calls), world.traffic.calls)
    assert len(world.uplink.reports) <= reports + 1


@in_a_world
async def test_a_service_that_the_gateway_refuses_is_stuck_alone(world: World) -> None:
    """One wrong service is named in the report; the others follow the plan, and nothing is tried for ever."""
    churn = slice_of("s1 a100", "churn")
    await world.ready(1, slice_of("s1 a100"), churn)
    world.traffic.refused = frozenset({SERVICE})
    world.publish(2, slice_of("s2 b100"), slice_of("s2 b100", "churn"))
    await world.tick(6)
    assert {SERVICE: "refused"} == world.report.stuck
    assert {B: 3} == world.traffic.send("churn", 3)
    assert {A: 3} == world.traffic.send(SERVICE, 3)
    calls = world.traffic.calls
    await world.tick(50)
    assert {A: 3} == world.traffic.send(SERVICE, 3)
    assert calls + 2 >= world.traffic.calls


# -- bad plans ---------------------------------------------------------------------------------------------

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
    assert not await world.agent._holding.accept(signed(4, slice_of("s2 b100")))
    assert ("s1 a100", 5) == (world.routes, world.report.generation)


# -- restarts ----------------------------------------------------------------------------------------------


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


# -- replicas ----------------------------------------------------------------------------------------------


@in_a_world
async def test_a_crash_loop_is_slowed_down(world: World) -> None:
    """The first restart is immediate, later ones wait longer and longer, and the report counts them."""
    await world.ready(1, slice_of("s1 a100"))
    world.replicas.break_release(A, "the weights are missing")
    world.replicas.crash(name_of("a0"))
    starts = len(world.replicas.calls)
    await world.tick(240)
    assert 3 <= len(world.replicas.calls) - starts <= 12
    seen = world.report.replicas[0]
    assert ("failed", "the weights are missing") == (seen.state, seen.words)
    assert seen.restarts >= 3
    assert "s1 a100" == world.routes
    world.replicas.let(A)
    await world.tick(200)
    assert ("ready", 0) == (world.report.replicas[0].state, world.report.replicas[0].restarts)


# -- the gateway and the disk ------------------------------------------------------------------------------


@in_a_world
async def test_a_gateway_that_cannot_start_is_reported_and_tried_again(world: World) -> None:
    """A busy port is in the report; when it is free the gateway starts and routes."""
    world.traffic.cannot_start = "port 8080 is in use by nginx (pid 5)"
    world.publish(1, slice_of("s1 a100"))
    await world.tick(6)
    assert "nginx" in world.report.stuck["gateway"]
    world.traffic.cannot_start = ""
    await world.tick(30)
    assert ({}, 1) == (world.report.stuck, world.report.generation)
    assert {A: 5} == world.traffic.send(SERVICE, 5)


@in_a_world
async def test_a_gateway_that_dies_is_started_again(world: World) -> None:
    """The next pass finds it gone and starts it."""
    await world.ready(1, slice_of("s1 a100"))
    world.traffic.is_up = False
    await world.tick()
    assert world.traffic.is_up


@in_a_world
async def test_a_full_disk_keeps_no_plan_from_its_work(world: World) -> None:
    """A rollback that arrives while the disk is full is carried out, the report says what is wrong, and it heals."""
    await world.ready(1, slice_of("s1 a100"))
    await world.ready(2, slice_of("s2 a95 b5"))
    world.disk.fault = disk_full
    world.publish(3, slice_of("s3 a100"))
    await world.tick(3)
    assert "s3 a100" == world.routes
    assert "disk" in world.report.stuck
    seqs = [report.seq for report in world.uplink.reports]
    assert seqs == sorted(set(seqs))
    world.disk.fault = no_fault
    await world.tick(130)
    assert {} == world.report.stuck
    assert world.stored("state.json")["routed"]["services"][0]["step_id"] == "s3"


# -- reports -----------------------------------------------------------------------------------------------


@in_a_world
async def test_a_rollout_is_reported_each_second(world: World) -> None:
    """While two releases share the traffic the control plane sees every count."""
    await world.ready(1, slice_of("s1 a100"))
    await world.ready(2, CANARY)
    before = len(world.uplink.reports)
    for _ in range(10):
        world.traffic.send(SERVICE, 20)
        await world.tick(2)
    assert len(world.uplink.reports) >= before + 10
    assert 200 == sum(one.finished.requests for one in world.report.counts if one.step == "s2")


@in_a_world
async def test_totals_are_kept_for_two_rollouts(world: World) -> None:
    """The steps of this rollout and of the one before are reported; older ones are forgotten."""
    for number in range(1, 8):
        await world.ready(number, slice_of(f"s{number} a95 b5", salt=f"r{(number + 1) // 2}"))
        world.traffic.send(SERVICE, 100)
        await world.tick(4)
    assert ["s5", "s6", "s7"] == sorted({one.step for one in world.report.counts})


@in_a_world
async def test_lost_lines_are_reported(world: World) -> None:
    """A gap in the gateway's log reaches the control plane."""
    await world.ready(1, CANARY)
    world.traffic.gap = True
    await world.tick(4)
    assert world.report.gap


# -- alone, and people at the site -------------------------------------------------------------------------


@in_a_world
async def test_a_person_goes_back_while_the_control_plane_is_dead(world: World) -> None:
    """A rollback at the socket is journalled and in force at once, and told when the control plane is back."""
    await world.ready(1, slice_of("s1 a100"))
    await world.ready(2, CANARY)
    world.uplink.is_cut = True
    answer = await world.agent.act(ROLLBACK)
    assert {"entry": 1, "leaves": B, "returns_to": A} == {key: answer[key] for key in ("entry", "leaves", "returns_to")}
    assert "s2.j1 a100" == world.routes
    assert {A: 20} == world.traffic.send(SERVICE, 20)
    await world.tick(4)
    world.uplink.is_cut = False
    await world.tick(2)
    assert [(1, "rollback", B, A, "ann")] == [
        (one.seq, one.verb, one.leaves, one.returns_to, one.who) for one in world.report.journal
    ]


@in_a_world
async def test_no_old_plan_undoes_a_local_rollback(world: World) -> None:
    """What a person left stays at 0 under every plan until one names the entry as seen, restarts included."""
    await world.ready(1, CANARY)
    await world.agent.act(ROLLBACK)
    for generation, piece in enumerate([CANARY, slice_of("s3 a50 b50"), slice_of("s4 a75 b25")], 2):
        world.publish(generation, piece)
        await world.tick(3)
        world.start_agent()
        await world.tick(3)
        assert {A: 50} == world.traffic.send(SERVICE, 50)
    await world.ready(9, slice_of("s5 a50 b50", seen_entry=1))
    assert "s5 a50 b50" == world.routes
    assert () == world.report.journal


@in_a_world
async def test_a_rollback_without_a_rollout_takes_the_way_back(world: World) -> None:
    """From a release that has all of the traffic the site goes to the release that the plan names, once it is ready."""
    await world.ready(1, slice_of("s1 b100", way_back=A))
    answer = await world.agent.act(ROLLBACK)
    assert (B, A) == (answer["leaves"], answer["returns_to"])
    assert "s1 b100" == world.routes  # nobody is sent to a release that is not ready
    await world.tick(4)
    assert "s1.j1 a100" == world.routes


@in_a_world
async def test_a_pause_holds_what_is(world: World) -> None:
    """After a pause no plan moves the traffic of the service until one has seen it."""
    await world.ready(1, CANARY)
    await world.agent.act(Asked("pause", SERVICE, "ann", "I want to look"))
    world.publish(2, slice_of("s3 a50 b50"))
    await world.tick(4)
    assert "s2 a95 b5" == world.routes
    await world.ready(3, slice_of("s3 a50 b50", seen_entry=1))
    assert "s3 a50 b50" == world.routes


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        (Asked("rollback", "churn", "ann", "why"), UserMistake, "no service 'churn'"),
        (Asked("explode", SERVICE, "ann", "why"), UserMistake, "no act 'explode'"),
        (Asked("rollback", SERVICE, "ann", "why"), Refused, "no release to go back to"),
        (Asked("abort", SERVICE, "ann", "why"), Refused, "no rollout under way"),
        (Asked("pause", SERVICE, "ann", "why"), Refused, "no rollout under way"),
    ],
)
def test_an_act_without_an_object_is_refused(asked: Asked, error: type[Exception], words: str) -> None:
    """What cannot be done is refused in words, and nothing is journalled."""

    async def story(world: World) -> None:
        await world.ready(1, slice_of("s1 a100"))
        with pytest.raises(error, match=words):
            await world.agent.act(asked)
        assert "/site/journal.jsonl" not in world.disk.files

    asyncio.run(story(World()))


@in_a_world
async def test_an_act_that_cannot_be_stored_is_not_done(world: World) -> None:
    """Without a journal entry nothing moves: a rollback that a restart would undo is no rollback."""
    await world.ready(1, CANARY)
    world.disk.fault = disk_full
    with pytest.raises(Unavailable):
        await world.agent.act(ROLLBACK)
    await world.tick(2)
    assert "s2 a95 b5" == world.routes


@in_a_world
async def test_a_full_disk_still_stores_an_act(world: World) -> None:
    """The reserve is given up for the entry of a person."""
    await world.ready(1, CANARY)
    assert 1000 == len(world.disk.files["/site/journal.reserve"])

    def full(verb: str, path: str) -> None:
        if "/site/journal.reserve" in world.disk.files:
            disk_full(verb, path)

    world.disk.fault = full
    await world.agent.act(ROLLBACK)
    assert "s2.j1 a100" == world.routes
    assert b"it lies" in world.disk.files["/site/journal.jsonl"]


@in_a_world
async def test_half_an_entry_is_passed_over(world: World) -> None:
    """An entry that a crash cut short never took effect, and the next one is whole all the same."""
    await world.ready(1, CANARY)
    world.disk.files["/site/journal.jsonl"] = b'\n{"entry": {"seq": 1, "at"'
    world.start_agent()
    await world.tick(2)
    assert "s2 a95 b5" == world.routes
    await world.agent.act(ROLLBACK)
    world.start_agent()
    await world.tick(2)
    assert "s2.j1 a100" == world.routes


@in_a_world
async def test_alone_a_bad_candidate_is_set_to_nothing(world: World) -> None:
    """With the control plane gone and more failures than the signed limit, the site takes the candidate back itself."""
    await world.ready(1, CANARY)
    world.uplink.is_cut = True
    await world.tick(10)
    world.traffic.send(SERVICE, 4000, failed={B: 0.9})
    await world.tick(40)
    assert "s2 a95 b5" == world.routes  # not alone for long enough
    await world.tick(20)
    assert "s2.j1 a100" == world.routes
    world.uplink.is_cut = False
    await world.tick(2)
    entry = world.report.journal[0]
    assert ("abort", "site/local", B) == (entry.verb, entry.who, entry.leaves)
    assert "requests failed" in entry.reason


@in_a_world
async def test_alone_a_good_candidate_freezes(world: World) -> None:
    """Alone a candidate stays at its share: it neither advances nor goes back without the limit being broken."""
    await world.ready(1, CANARY)
    world.uplink.is_cut = True
    world.traffic.send(SERVICE, 2000, failed={B: 0.1})
    await world.tick(200)
    assert "s2 a95 b5" == world.routes
    assert "/site/journal.jsonl" not in world.disk.files


@in_a_world
async def test_with_the_control_plane_there_the_site_does_not_judge(world: World) -> None:
    """Judging is the control plane's while it answers, and lost lines are no evidence for anybody."""
    await world.ready(1, CANARY)
    world.traffic.send(SERVICE, 4000, failed={B: 0.9})
    await world.tick(100)
    assert "s2 a95 b5" == world.routes
    world.uplink.is_cut = True
    world.traffic.gap = True
    await world.tick(100)
    assert "s2 a95 b5" == world.routes


@in_a_world
async def test_a_banned_release_never_serves(world: World) -> None:
    """A plan that bans a release and routes to it all the same sends its share elsewhere."""
    await world.ready(1, slice_of("s1 a100"))
    world.publish(2, slice_of("s2 a95 b5", banned=(B,)))
    await world.tick(4)
    assert {A: 50} == world.traffic.send(SERVICE, 50)
    assert [("start", name_of("a0"))] == world.replicas.calls


@in_a_world
async def test_going_down_ends_everything(world: World) -> None:
    """After `down` neither gateway nor replicas run, and no pass starts them again."""
    await world.ready(1, slice_of("s1 a100"))
    await world.agent.down()
    assert not world.traffic.is_up
    assert () == await world.replicas.look()
    await world.tick(3)
    assert not world.traffic.is_up


@in_a_world
async def test_status_says_what_is_in_force(world: World) -> None:
    """A person at the site sees services, shares, replicas, the way back and what is not seen yet."""
    await world.ready(1, CANARY)
    world.uplink.is_cut = True
    await world.agent.act(ROLLBACK)
    await world.tick(10)
    status = world.agent.status()
    service = status["services"][0]
    assert ("local", 1, SERVICE, "s2.j1", A) == (
        status["site"],
        status["generation"],
        service["service"],
        service["step"],
        service["way_back"],
    )
    assert [(A, 10_000, "champion")] == [(one["release"], one["weight"], one["role"]) for one in service["routes"]]
    assert "it lies" == status["journal"][0]["reason"]
    assert status["alone_seconds"] >= 4.0


def _writes_are_mistakes(verb: str, path: str) -> None:
    assert verb not in ("write", "append", "remove"), f"{verb} {path}"
