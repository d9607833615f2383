"""Files that nobody should follow: each is in force as it reads, or refused with its place and in words."""

import asyncio
import random
import re
from collections import Counter

import pytest

from windlass.delivery.gates.lines import gate_check
from windlass.delivery.sources.decide import CommitRead, SourceView
from windlass.delivery.sources.tree import CommitTree, wanted_from_tree
from windlass.delivery.sources.types import TreeReading
from windlass.engine import chains, queries
from windlass.engine.commit import fold_facts
from windlass.facts.repositories import RepositoryState
from windlass.facts.state import ServiceState
from windlass.kernel.digests import short
from windlass.kernel.limits import COMPLAINTS_MAX
from windlass.kernel.records import to_json
from windlass.planner.check import contradictions
from windlass.planner.plan import plan
from windlass.planner.repositories import plan_repository
from windlass.planner.types import Snapshot
from windlass.ports.git import TreeEntry
from windlass.ports.store import Stored
from windlass.sim.poison import POLICY, poisoned_spec
from windlass.sim.promises import Witness
from windlass.sim.scripts import Script
from windlass.sim.world import World
from windlass.testing.stories import BEGINNING, SERVICE, judged, live, made, tell, wanted

FILES = 5_000  # of each sort
PLAYED = 300
GOOD = """\
service: doctor-visits
owner: health-team
timezone: Europe/Berlin
python: "3.12"
env: {OMP_NUM_THREADS: "1", TOKEN: "env:TOKEN"}
include: [lib]
params: {rate: 0.1, layers: [8, 4]}
train: python train.py
test: python -m unittest -q
allow: [my_features.Clip]
data: {train: data/train.csv, holdout: data/holdout.csv, label: label, positive: 1, id: visit, unit: person}
gate:
  - roc_auc >= 0.70
  - accuracy not worse than champion by 1pp
  - missing(age) <= 1%
  - latency p99 <= 300ms
breaking: false
rollout:
  strategy: canary
  steps: [10%, 50%, 100%]
  unit: X-User-Id
  limits: [errors <= 1%, p99 <= 300ms]
  time_limit: 6h
  unsure: ask
  newer: wait
  soak: 20s
freeze: ["sat 16:00..mon 08:00"]
replicas: 2
memory: 2Gi
build_time: 10m
timeout: 2s
idempotent: true
"""
BESIDE = {"train.py": b"", "data/train.csv": b"", "data/holdout.csv": b"id,label\n", "lib/more.py": b""}
SENTENCE_MAX = 1_000  # a sentence of a complaint: what, where and what instead, foreign text cut at 200


def read(data: bytes) -> TreeReading:
    """What a commit with this file says."""
    entries = tuple(TreeEntry(path, "file", "0" * 40, 1) for path in sorted([*BESIDE, "windlass.yaml"]))
    return wanted_from_tree(CommitTree(entries, {"windlass.yaml": data}), gate_check)


def complaints_of(reading: TreeReading) -> list[str]:
    """All that is wrong with a commit."""
    return [one.sentence() for one in (*reading.complaints, *(c for bad in reading.refused for c in bad.complaints))]


def check_words(sentences: list[str], data: bytes) -> None:
    """Every complaint names a line of the file, says something, and fits a terminal."""
    lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\x85") + 2  # the end of the file is a place too
    for words in sentences:
        found = re.match(r"windlass\.yaml:([0-9]+):[0-9]+: .{8}", words)
        assert found and 1 <= int(found[1]) <= lines, words
        assert words.isprintable() and len(words) <= SENTENCE_MAX, words
    assert len(sentences) <= COMPLAINTS_MAX + 1


def rolling() -> ServiceState:
    """A service whose second release is waiting for traffic."""
    return tell(live("v1"), wanted("v2"), made("v2"), judged("v2", champion="v1"))


def planned(data: bytes, before: ServiceState) -> tuple[bool, ServiceState]:
    """Whether the file is in force after a pass that reads it, and the state after that pass."""
    reading = read(data)
    sentences = complaints_of(reading)
    check_words(sentences, data)
    stored = Stored(repositories={"/repo": RepositoryState("/repo", "main")}, services={SERVICE: before})
    commit = CommitRead("1" * 40, "poisoned", "Ann <ann@example.org>")
    facts = plan_repository(SourceView(stored.repositories["/repo"], commit, reading, stored.services), BEGINNING)
    after = fold_facts(stored, facts)
    for found in reading.services:
        in_force = after.services[found.name].wanted
        assert in_force is not None
        assert to_json(found.spec) == to_json(in_force.spec)
        state = after.services[found.name]
        assert () == contradictions(state, plan(Snapshot(BEGINNING, state)))
    assert bool(reading.services) != bool(sentences)
    return bool(reading.services), after.services[SERVICE]


@pytest.mark.parametrize("only", [(), POLICY], ids=["anywhere", "policy"])
def test_every_file_is_in_force_or_refused(only: tuple[str, ...]) -> None:
    """Of 10,000 poisoned files, half of them in their policy alone, each is in force as it reads, or
    refused with its place and in words; what was wanted before is wanted still, and no plan contradicts itself."""
    chance, before, used = random.Random(3), rolling(), Counter[bool]()
    for _ in range(FILES):
        data = poisoned_spec(GOOD, chance, only)
        is_used, after = planned(data, before)
        used[is_used] += 1
        if not is_used:
            assert before.wanted == after.wanted
            assert after.refused or after.absent_since, data[:2_000]
    assert used[False] > FILES / 2
    assert used[True] > FILES / 100


def read_in_the_world(world: World, commit: str) -> TreeReading:
    """What one of its commits says."""
    files = world.git.commits[commit].files
    entries = tuple(TreeEntry(path, "file", "0" * 40, 1) for path in sorted(files))
    return wanted_from_tree(CommitTree(entries, files), gate_check)


async def follow(world: World, commit: str) -> bool:
    """Let the control plane read a commit; True where its file is in force; else status and why say why not."""
    assert world.engine is not None
    world.engine.watch.hint()
    world.engine.woken = True
    await world.tick()
    reading, stored = read_in_the_world(world, commit), await world.engine.current()
    status = await queries.status(world.engine)
    (repository,) = status["repositories"]
    assert complaints_of(reading) == repository["complaints"], world.git.commits[commit].files["windlass.yaml"]
    for found in reading.services:
        state = stored.services[found.name]
        assert state.wanted is not None
        assert (to_json(found.spec), ()) == (to_json(state.wanted.spec), state.refused)
    if any(found.name == SERVICE for found in reading.services):
        return True
    (item,) = [one for one in status["items"] if one["service"] == SERVICE]
    facts = await chains.why(world.engine, "services", SERVICE)
    newest = [one["sentence"] for one in facts["items"] if one["kind"] in ("ServiceRefused", "ServiceAbsent")][-1]
    assert item["state"] in ("refused", "absent")
    assert {*item["refused"], item["absent_since"]} & {*complaints_of(reading), commit}
    assert short(commit) in newest
    return False


@pytest.mark.parametrize("only", [(), POLICY], ids=["anywhere", "policy"])
def test_no_file_stops_the_control_plane(only: tuple[str, ...]) -> None:
    """Of 300 poisoned files none stops the loop or what serves: each is in force, or status and why say what is wrong
    with it, until a good commit comes."""

    async def story() -> Counter[bool]:
        world = World(7, SERVICE, GOOD)
        world.beside = BESIDE
        world.callers.rate = 20.0
        await world.begin_with(Script("v1"))
        for _ in range(60):
            await world.tick()
        live_one, lost = (await world.state()).live, world.callers.lost
        witness, chance, used = Witness(world), random.Random(2), Counter[bool]()
        await witness.look()
        for number in range(PLAYED):
            commit = world.commit(Script(f"p{number}", build="user"), spec=poisoned_spec(GOOD, chance, only))
            used[await follow(world, commit)] += 1
            assert [] == await witness.look()
            pieces = [piece for piece in world.traffic.wish.services if piece.service == SERVICE]
            assert [[(live_one, 10_000)]] == [[(one.release, one.weight) for one in piece.routes] for piece in pieces]
        assert lost == world.callers.lost
        assert [] == world.troubles
        assert await follow(world, world.commit(Script("v2")))
        return used

    used = asyncio.run(story())
    assert used[False] > PLAYED / 2
    assert used[True] > PLAYED / 100
