"""When a world is at rest: nothing is asked for, built, judged or moved any more, or a person is waited for."""

from collections import Counter
from dataclasses import fields

from windlass.delivery.services.types import Route
from windlass.engine.planning import Planning
from windlass.facts.fold import fold_all
from windlass.facts.state import ServiceState
from windlass.kernel.digests import short
from windlass.planner.types import ServicePlan, StageReport
from windlass.planner.views import candidate_of
from windlass.ports.store import FactQuery
from windlass.sim.movements import BAD_SHARE
from windlass.sim.world import REPOSITORY, World

WRITES = (
    "store.commit",
    "disk.write",
    "disk.append",
    "disk.remove",
    "traffic.apply",
    "replicas.start",
    "replicas.stop",
    "compute.start",
    "compute.stop",
    "compute.forget",
)


async def is_settled(world: World) -> bool:
    """Whether the world is at rest."""
    return not await is_at_rest(world)


async def is_at_rest(world: World) -> str:
    """What still keeps the world from rest; empty where nothing does."""
    if world.engine is None:
        return "the control plane is dead"
    watched = (await world.store.load()).repositories[REPOSITORY]
    state = await world.state()
    if watched.commit != world.git.branches[(REPOSITORY, "main")]:
        return "the newest commit was not seen"
    if state.acts or any(build.state == "running" for build in state.builds.values()):
        return "an act or a build is under way"
    if any(record.gate_job for record in state.releases.values()):
        return "a gate is under way"
    plan = world.engine.plans.get(world.service)
    if plan is None or plan.facts or any(one.until_at is not None for one in plan.reports):
        return _said(plan)
    if not (state.rollout is None or state.rollout.paused_by or state.freeze or _asks(plan.reports)):
        return _said(plan)
    placed = {one.release for one in plan.slice.replicas} if plan.slice is not None else set()
    draining = [site.name for site in world.sites.values() if set(site.replicas.releases()) != placed]
    return f"{draining[0]} does not run the replicas of its plan yet" if draining else ""


def _said(plan: ServicePlan | None) -> str:
    if plan is None:
        return "there is no plan"
    return "; ".join(f"{one.stage}: {one.because}" for one in plan.reports)


def _asks(reports: tuple[StageReport, ...]) -> bool:
    """Whether the rollout waits for a person."""
    return any(one.stage == "rollouts" and "windlass" in one.until for one in reports)


def writes(world: World) -> Counter[str]:
    """How often the world was written to so far, by verb. Who has rest must not add to it."""
    found: Counter[str] = Counter()
    for tap in (world.tap, *(site.tap for site in world.sites.values())):
        found += Counter({verb: tap.calls.get(verb, 0) for verb in WRITES})
    return found


def differences(world: World) -> list[str]:
    """Where a gateway does not do what the plan says."""
    assert world.engine is not None
    plan = world.engine.plans[world.service]
    wanted = plan.slice.routes if plan.slice is not None else ()
    return [
        f"After faults stop every site does what the plan says: {site.name} has {found} instead of {wanted}"
        for site in world.sites.values()
        if (found := _routes(world, site.name)) != wanted
    ]


def left_over(world: World) -> list[str]:
    """Jobs that nobody waits for any more and that were not ended and forgotten."""
    jobs = sorted({*world.compute.running, *world.compute.ended})
    return [f"After faults stop no job is left over: {job}" for job in jobs]


async def idle(world: World) -> list[str]:
    """What ought to move, although nothing moves any more. A pass counts against its champion alone: where a person
    ended the judgement against a newer one, nothing is due until somebody retries."""
    state = await world.state()
    if state.freeze is not None:
        return []
    rollout, waiting = state.rollout, state.releases.get(candidate_of(state))
    if rollout is None:
        passed = waiting is not None and waiting.verdict == "pass" and not waiting.gate_cancelled_by
        return [f"After faults stop what passed is rolled out: {short(candidate_of(state))}"] if passed else []
    bad, good = world.scripts.of_release(rollout.release), world.scripts.of_release(rollout.champion)
    if rollout.paused_by or bad is None or good is None or bad.bad < good.bad + BAD_SHARE or _is_split_wrong(world):
        return []
    return [f"After faults stop what does harm goes back: {short(rollout.release)} has {rollout.share:.0%}"]


def _is_split_wrong(world: World) -> bool:
    """Whether a share that was not kept has made the counts worthless."""
    assert world.engine is not None
    return any("split of the traffic" in one.because for one in world.engine.plans[world.service].reports)


async def untold(world: World) -> list[str]:
    """Whether what is stored as true now is something else than what the facts lead to."""
    stored, facts = await world.store.load(), await world.store.facts(FactQuery(limit=1_000_000))
    told, state = fold_all(world.service, facts), stored.services.get(world.service)
    return [] if state == told else [f"What is true now follows from the facts: {_first_difference(state, told)}"]


def _first_difference(state: ServiceState | None, told: ServiceState) -> str:
    names = [field.name for field in fields(told) if getattr(state, field.name, None) != getattr(told, field.name)]
    return f"{', '.join(names)} of {told.service}"


async def stale_plans(world: World) -> list[str]:
    """Services at rest whose kept plan is another one than planning anew gives."""
    assert world.engine is not None
    engine = world.engine
    anew = await Planning(engine.ports, engine.sites).plan(await engine.current(), engine.jobs)
    return [
        f"A plan that was kept is the plan of now: {one.service} would get {one.facts}, {one.slice}"
        for one in anew
        if (one.facts, one.slice) != ((kept := engine.plans[one.service]).facts, kept.slice)
    ]


def _routes(world: World, site: str) -> tuple[Route, ...]:
    pieces = world.sites[site].traffic.wish.services
    return next((piece.routes for piece in pieces if piece.service == world.service), ())
