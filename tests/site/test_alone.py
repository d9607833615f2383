"""A site alone, and a person at its socket: what they do holds, and nothing else moves."""

import asyncio

import pytest

from tests.site.worlds import SERVICE, A, B, World, in_a_world, name_of, slice_of
from windlass.adapters.simulated.world import disk_full
from windlass.kernel.errors import Refused, Unavailable, UserMistake
from windlass.site.acts import Asked

CANARY = slice_of("s2 a95 b5", way_back=A)
ROLLBACK = Asked("rollback", SERVICE, "ann", "it lies")


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
async def test_an_act_after_the_journal_was_lost_is_a_new_one(world: World) -> None:
    """Where the journal is gone an act still gets a number that no plan has seen: it takes effect, and is told."""
    await world.ready(1, slice_of("s2 a95 b5", way_back=A, seen_entry=4))
    assert 5 == (await world.agent.act(ROLLBACK))["entry"]
    assert "s2.j5 a100" == world.routes
    await world.tick(2)
    assert [5] == [one.seq for one in world.report.journal]


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
