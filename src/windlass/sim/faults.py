"""The kinds of faults, each with its name.

A fault either hits a process, a machine or a line (`mishaps.py`), or it changes what a port answers: then the code
under test meets late, stale, empty, doubled, lost and lying answers. Each draws its details from a chance of its own,
so that leaving one fault out of a day changes nothing about the others.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from windlass.adapters.simulated import taps
from windlass.adapters.simulated.taps import Hindrance, Tap
from windlass.adapters.simulated.world import disk_broken, disk_full, no_fault
from windlass.ports.git import Head
from windlass.ports.sites import SignedPlan
from windlass.ports.store import Change
from windlass.ports.traffic import TrafficApplied, TrafficCounts
from windlass.sim import mishaps
from windlass.sim.mishaps import End, some_site
from windlass.sim.sites import SimulatedSite
from windlass.sim.world import World


@dataclass(frozen=True, slots=True)
class Kind:
    """`begin` lets the fault happen and gives what ends it; `changes_answer` says that a port answers otherwise."""

    begin: Callable[[World, random.Random], End]
    changes_answer: bool = False


def _hinder(tap: Tap, verbs: tuple[str, ...], hindrance: Hindrance) -> End:
    for verb in verbs:
        tap.hindrances[verb] = hindrance

    def end() -> None:
        for verb in verbs:
            if tap.hindrances.get(verb) is hindrance:
                del tap.hindrances[verb]

    return end


def _control(make: Callable[[World], Hindrance], *verbs: str) -> Kind:
    """A fault that changes what some verbs answer to the control plane."""
    return Kind(lambda world, chance: _hinder(world.tap, verbs, make(world)), changes_answer=True)


def _at_site(make: Callable[[SimulatedSite, World], Hindrance], *verbs: str) -> Kind:
    """A fault that changes what some verbs answer to the agent of one site."""

    def begin(world: World, chance: random.Random) -> End:
        site = some_site(world, chance)
        return _hinder(site.tap, verbs, make(site, world))

    return Kind(begin, changes_answer=True)


def _on_site(begin: Callable[[SimulatedSite, random.Random], End], *, changes_answer: bool = False) -> Kind:
    return Kind(lambda world, chance: begin(some_site(world, chance), chance), changes_answer)


def _disk(fault: Callable[[str, str], None]) -> Kind:
    def begin(site: SimulatedSite, chance: random.Random) -> End:
        site.disk.fault = fault

        def end() -> None:
            site.disk.fault = no_fault

        return end

    return _on_site(begin, changes_answer=True)


def _old_plan(site: SimulatedSite, world: World) -> Hindrance:
    return taps.lies(site.link.plans[0] if site.link.plans else None)


def _forged_plan(site: SimulatedSite, world: World) -> Hindrance:
    payload = f'{{"site":"{site.name}","generation":999999,"services":[]}}'
    return taps.lies(SignedPlan(site.name, 999_999, payload, "00" * 64))


def _lost_race(world: World) -> Hindrance:
    async def hinder(call: taps.Call) -> object:
        await world.store.commit(Change((await world.store.load()).generation))  # another control plane was quicker
        return await call()

    return hinder


def _older_head(world: World) -> Hindrance:
    def older(head: Head) -> Head:
        parent = world.git.commits.get(world.git.commits[head.commit].parent)
        return Head(parent.commit, parent.subject, parent.author, parent.time) if parent is not None else head

    return taps.changed(older)


def _gone(*_: object) -> Hindrance:
    return taps.fails("it does not answer", "simulated")


def _unanswered(*_: object) -> Hindrance:
    return taps.answer_lost("the answer is lost", "simulated")


def _full(*_: object) -> Hindrance:
    return taps.fails("no space is left on the disk", "disk-full")


def _stale(*_: object) -> Hindrance:
    return taps.stale()


def _twice(*_: object) -> Hindrance:
    return taps.twice()


def _nothing_done(*_: object) -> Hindrance:
    return taps.lies(None)


def _slowly(world: World) -> Hindrance:
    return taps.slow(lambda: world.clock.advance(2.0))


def _slowly_there(site: SimulatedSite, world: World) -> Hindrance:
    return _slowly(world)


NOT_CONFIRMED = TrafficApplied(False, words="no answer in time")


KINDS: dict[str, Kind] = {
    # processes
    "control plane killed": Kind(mishaps.control_dies),
    "control plane killed at a step": Kind(mishaps.control_dies_at_a_step),
    "control plane stopped": Kind(mishaps.control_freezes),
    "control plane's clock wrong": Kind(mishaps.control_clock_jumps, changes_answer=True),
    "events lost": Kind(mishaps.deaf),
    "agent killed": _on_site(mishaps.agent_dies),
    "agent killed at a step": _on_site(mishaps.agent_dies_at_a_step),
    "agent stopped": _on_site(mishaps.agent_freezes),
    "site's clock wrong": _on_site(mishaps.site_clock_jumps, changes_answer=True),
    # Git
    "git history rewritten": Kind(mishaps.history_rewritten, changes_answer=True),
    "poisoned file committed": Kind(mishaps.file_poisoned, changes_answer=True),
    "service gone from Git": Kind(mishaps.service_gone, changes_answer=True),
    # machines
    "replica killed": _on_site(mishaps.replica_dies),
    "replicas crash again and again": Kind(mishaps.replicas_crash_again),
    "replicas start slowly": Kind(mishaps.replicas_start_slowly),
    "gateway killed": _on_site(mishaps.gateway_dies),
    "gateway cannot start": _on_site(mishaps.gateway_will_not_start),
    "disk full": _disk(disk_full),
    "disk fails": _disk(disk_broken),
    "writes cut short": _on_site(mishaps.writes_short, changes_answer=True),
    "write torn": _on_site(mishaps.write_torn),
    "writes lost with the power": _on_site(mishaps.power_lost, changes_answer=True),
    "bit flipped": _on_site(mishaps.bit_flipped, changes_answer=True),
    "job killed": Kind(mishaps.job_killed, changes_answer=True),
    "control plane's disk nearly full": Kind(mishaps.machine_full, changes_answer=True),
    # the line between a site and the control plane
    "line cut": _on_site(mishaps.cut),
    "plans do not arrive": _at_site(_gone, "uplink.fetch"),
    "reports do not arrive": _at_site(_gone, "uplink.report"),
    "answers to reports lost": _at_site(_unanswered, "uplink.report"),
    "reports late and out of order": Kind(mishaps.late, changes_answer=True),
    "reports arrive twice": _at_site(_twice, "uplink.report"),
    "reports lost without a word": _at_site(_nothing_done, "uplink.report"),
    "an older plan offered": _at_site(_old_plan, "uplink.fetch"),
    "a forged plan offered": _at_site(_forged_plan, "uplink.fetch"),
    # what the control plane's ports answer
    "store busy": _control(_gone, "store.commit", "store.load", "store.facts"),
    "store full": _control(_full, "store.commit"),
    "store slow": _control(_slowly, "store.commit"),
    "answer of the store lost": _control(_unanswered, "store.commit"),
    "another control plane writes": _control(_lost_race, "store.commit"),
    "git away": _control(_gone, "git.head"),
    "git objects unreadable": _control(_gone, "git.tree", "git.read"),
    "git history cannot be read": _control(_gone, "git.descends"),
    "git answers an older commit": _control(_older_head, "git.head"),
    "branch deleted": Kind(mishaps.branch_gone, changes_answer=True),
    "compute away": _control(_gone, "compute.look"),
    "compute starts nothing": _control(_nothing_done, "compute.start"),
    "answer of compute lost": _control(_unanswered, "compute.start"),
    "compute forgets its jobs for a while": _control(lambda world: taps.lies(()), "compute.look"),
    "compute answers late": _control(_stale, "compute.look"),
    "compute ends nothing": _control(_nothing_done, "compute.stop"),
    "compute forgets nothing": _control(_nothing_done, "compute.forget"),
    "answers of compute to ends lost": _control(_unanswered, "compute.stop", "compute.forget"),
    # what a site's ports answer
    "gateway refuses": Kind(mishaps.gateway_refuses, changes_answer=True),
    "gateway does not confirm": _at_site(lambda site, world: taps.lies(NOT_CONFIRMED), "traffic.apply"),
    "answer of the gateway lost": _at_site(_unanswered, "traffic.apply"),
    "gateway slow": _at_site(_slowly_there, "traffic.apply"),
    "gateway only says that it runs": _at_site(_nothing_done, "traffic.start"),
    "log lines lost": _on_site(mishaps.lines_lost, changes_answer=True),
    "counts stay old": _at_site(_stale, "traffic.counts"),
    "counts missing": _at_site(lambda site, world: taps.changed(lambda counts: TrafficCounts()), "traffic.counts"),
    "counts cannot be read": _at_site(_gone, "traffic.counts"),
    "counts are not forgotten": _at_site(_gone, "traffic.forget"),
    "another share than was asked for": _on_site(mishaps.wrong_share, changes_answer=True),
    "replicas do not start": _at_site(_nothing_done, "replicas.start"),
    "replicas cannot be seen": _at_site(_gone, "replicas.look"),
    "replicas do not end": _at_site(_nothing_done, "replicas.stop"),
    "answers to ends of replicas lost": _at_site(_unanswered, "replicas.stop"),
    "replicas seen late": _at_site(_stale, "replicas.look"),
}
