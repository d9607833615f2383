"""A site's agent over a world in memory: it follows plans, mends what crashes, and says what is in force."""

import itertools
from collections import Counter

import pytest

from tests.site.worlds import SERVICE, A, B, World, in_a_world, name_of, slice_of
from windlass.adapters.simulated.world import disk_full, no_fault

CANARY = slice_of("s2 a95 b5", way_back=A)


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
    """One wrong service is named in the report; the others follow the plan, it is tried now and then, and once the
    trouble is over it follows."""
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
    world.traffic.refused = frozenset()
    await world.tick(35)
    assert {B: 3} == world.traffic.send(SERVICE, 3)


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
async def test_what_kept_a_gateway_from_starting_is_over_with_it(world: World) -> None:
    """One that ran before, and runs the same again, leaves nothing of its trouble in the report."""
    await world.ready(1, slice_of("s1 a100"))
    world.traffic.is_up, world.traffic.cannot_start = False, "port 8080 is in use by nginx (pid 5)"
    await world.tick(6)
    assert "nginx" in world.report.stuck["gateway"]
    world.traffic.cannot_start = ""
    await world.tick(30)
    assert ({}, True) == (world.report.stuck, world.traffic.is_up)


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


@in_a_world
async def test_a_plan_that_came_on_a_full_disk_outlives_the_agent(world: World) -> None:
    """Once there is room again the plan in force is stored, so that an agent that starts alone goes on with it and not
    with the release that was left."""
    await world.ready(1, slice_of("s1 a100"))
    await world.ready(2, slice_of("s2 a95 b5"))
    world.disk.fault = disk_full
    world.publish(3, slice_of("s3 a100"))
    await world.tick(3)
    world.disk.fault = no_fault
    await world.tick(2)
    world.uplink.is_cut = True
    world.start_agent()
    await world.tick(4)
    assert "s3 a100" == world.routes


def test_a_trouble_stands_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    """A full disk is told when it begins and when it is over, however many passes lie between."""

    @in_a_world
    async def story(world: World) -> None:
        await world.ready(1, slice_of("s1 a100"))
        world.disk.fault = disk_full
        world.publish(2, slice_of("s2 a95 b5"))
        await world.tick(20)
        world.disk.fault = no_fault
        await world.tick(4)

    with caplog.at_level("INFO", "windlass.site"):
        story()
    told = [record.getMessage().partition(": ")[0] for record in caplog.records]
    assert {"stuck", "state_not_stored", "no longer stuck"} == set(told)
    assert len(told) <= 6, caplog.text


def test_the_log_says_when_a_site_is_alone(caplog: pytest.LogCaptureFixture) -> None:
    """A control plane that falls silent is told once, and once more when it is back."""

    @in_a_world
    async def story(world: World) -> None:
        await world.ready(1, slice_of("s1 a100"))
        for is_cut in (True, False):
            world.uplink.is_cut = is_cut
            await world.tick(5)

    with caplog.at_level("INFO", "windlass.site"):
        story()
    told = [record.getMessage() for record in caplog.records]
    assert ["alone: the control plane does not answer", "no longer alone"] == told


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
async def test_a_quiet_site_reports_now_and_then(world: World) -> None:
    """New counts without a rollout are told within some seconds, and half a minute never passes in silence."""
    await world.ready(1, slice_of("s1 a100"))
    await world.tick(30)
    world.traffic.send(SERVICE, 5)
    await world.tick(14)
    assert 5 == sum(one.finished.requests for one in world.report.counts)
    await world.tick(300)
    instants = [report.at for report in world.uplink.reports]
    assert max(later - earlier for earlier, later in itertools.pairwise(instants)) <= 31_000


@in_a_world
async def test_numbers_grow_on_a_full_disk(world: World) -> None:
    """Where no numbers can be reserved, not even two agents after each other use one twice, whatever was reserved when
    there was room."""
    world.publish(1, slice_of("s1 a100"))
    await world.tick(4)
    world.disk.fault = disk_full
    for _ in range(3):
        world.start_agent()
        await world.tick(4)
    seqs = [report.seq for report in world.uplink.reports]
    assert len(seqs) > 5
    assert seqs == sorted(set(seqs))


@in_a_world
async def test_totals_are_kept_for_two_rollouts(world: World) -> None:
    """The steps of this rollout and of the one before are reported; older ones are forgotten."""
    for number in range(1, 8):
        await world.ready(number, slice_of(f"s{number} a95 b5", salt=f"r{(number + 1) // 2}"))
        world.traffic.send(SERVICE, 100)
        await world.tick(4)
    assert ["s5", "s6", "s7"] == sorted({one.step for one in world.report.counts})


@in_a_world
async def test_a_step_that_was_routed_for_a_moment_counts(world: World) -> None:
    """Steps that follow each other between two counts, as when a person promotes at once, lose no request."""
    await world.ready(1, slice_of("s1 a95 b5", salt="r1"))
    for number in range(2, 6):
        world.publish(number, slice_of(f"s{number} a95 b5", salt="r1"))
        await world.tick()
        world.traffic.send(SERVICE, 100)
    await world.tick(4)
    counted: Counter[str] = Counter()
    for one in world.report.counts:
        counted[one.step] += one.finished.requests
    assert {"s2": 100, "s3": 100, "s4": 100, "s5": 100} == counted


@in_a_world
async def test_lost_lines_are_reported(world: World) -> None:
    """A gap in the gateway's log reaches the control plane."""
    await world.ready(1, CANARY)
    world.traffic.gap = True
    await world.tick(4)
    assert world.report.gap


def _writes_are_mistakes(verb: str, path: str) -> None:
    assert verb not in ("write", "append", "remove"), f"{verb} {path}"
