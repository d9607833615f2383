"""What happens to processes, machines and lines: each begins at once and gives what ends it."""

import random
from collections.abc import Callable
from dataclasses import replace

from windlass.kernel.instants import NEVER
from windlass.ports.compute import JobSeen
from windlass.sim.poison import poisoned_spec
from windlass.sim.scripts import Script
from windlass.sim.sites import SimulatedSite
from windlass.sim.world import REPOSITORY, World

End = Callable[[], None]
JUMPS_SECONDS = (-86_400.0, -3_600.0, 3_600.0, 86_400.0)


def _nothing() -> None:
    """The fault was over at once."""


def some_site(world: World, chance: random.Random) -> SimulatedSite:
    """One of the sites."""
    return world.sites[chance.choice(sorted(world.sites))]


def revive(site: SimulatedSite) -> None:
    """The supervisor starts a dead agent again."""
    if site.agent is None:
        site.start()


def revive_control(world: World) -> None:
    """The supervisor starts a dead control plane again."""
    if world.engine is None:
        world.start_control()


def control_dies(world: World, chance: random.Random) -> End:
    """The control plane is killed and comes back later."""
    world.kill_control()
    return lambda: revive_control(world)


def control_dies_at_a_step(world: World, chance: random.Random) -> End:
    """The control plane is killed between two calls of its ports."""
    world.tap.dies_in, world.tap.dies_after = chance.randint(0, 12), chance.random() < 0.5

    def end() -> None:
        world.tap.dies_in = -1
        revive_control(world)

    return end


def control_freezes(world: World, chance: random.Random) -> End:
    """The control plane gets no processor time."""
    world.is_frozen = True

    def end() -> None:
        world.is_frozen = False

    return end


def control_clock_jumps(world: World, chance: random.Random) -> End:
    """The control plane comes back with a wrong clock."""
    restart_control(world, chance.choice(JUMPS_SECONDS))
    return lambda: restart_control(world, 0.0)


def restart_control(world: World, skew_seconds: float) -> None:
    """Kill the control plane and start it with a clock that is so far off."""
    world.kill_control()
    world.control_clock.skew_seconds = skew_seconds
    world.start_control()


def deaf(world: World, chance: random.Random) -> End:
    """Nothing wakes the control plane: every event is lost."""
    world.is_deaf = True

    def end() -> None:
        world.is_deaf = False

    return end


def agent_dies(site: SimulatedSite, chance: random.Random) -> End:
    """A site agent is killed and comes back later."""
    site.kill()
    return lambda: revive(site)


def agent_dies_at_a_step(site: SimulatedSite, chance: random.Random) -> End:
    """A site agent is killed between two calls of its ports."""
    site.tap.dies_in, site.tap.dies_after = chance.randint(0, 12), chance.random() < 0.5

    def end() -> None:
        site.tap.dies_in = -1
        revive(site)

    return end


def agent_freezes(site: SimulatedSite, chance: random.Random) -> End:
    """A site agent gets no processor time."""
    site.is_frozen = True

    def end() -> None:
        site.is_frozen = False

    return end


def site_clock_jumps(site: SimulatedSite, chance: random.Random) -> End:
    """A site agent comes back with a wrong clock."""

    def restart(skew_seconds: float) -> None:
        site.kill()
        site.clock.skew_seconds = skew_seconds
        site.start()

    restart(chance.choice(JUMPS_SECONDS))
    return lambda: restart(0.0)


def power_lost(site: SimulatedSite, chance: random.Random) -> End:
    """A disk calls writes durable that are not, and then the power fails."""
    site.disk.is_lying = True

    def end() -> None:
        site.disk.is_lying = False
        site.is_forgetful = site.disk.lose_power() or site.is_forgetful
        site.kill()
        site.start()

    return end


def write_torn(site: SimulatedSite, chance: random.Random) -> End:
    """A site agent is killed in the middle of a write."""
    site.disk.tear = chance.randint(0, 200)

    def end() -> None:
        site.disk.tear = -1
        revive(site)

    return end


def writes_short(site: SimulatedSite, chance: random.Random) -> End:
    """Every write of a site fails after a part of its bytes, and the part stays."""
    site.disk.short = chance.randint(0, 200)

    def end() -> None:
        site.disk.short = -1

    return end


def bit_flipped(site: SimulatedSite, chance: random.Random) -> End:
    """A bit of a file at rest turns, and the agent starts again from it."""
    if site.disk.files:
        site.disk.flip(chance.choice(sorted(site.disk.files)), chance.getrandbits(24))
        site.is_forgetful = True
    site.kill()
    site.start()
    return _nothing


def replica_dies(site: SimulatedSite, chance: random.Random) -> End:
    """A model server is killed."""
    names = site.replicas.names()
    if names:
        site.replicas.crash(chance.choice(names))
    return _nothing


def routed(site: SimulatedSite, chance: random.Random) -> str:
    """One of the releases that a gateway routes; empty where it routes none."""
    found = sorted({route.release for piece in site.traffic.wish.services for route in piece.routes})
    return chance.choice(found) if found else ""


def replicas_crash_again(world: World, chance: random.Random) -> End:
    """The model servers of a release crash and crash again."""
    site = some_site(world, chance)
    release = routed(site, chance)
    site.replicas.break_release(release, "segmentation fault")
    for name in site.replicas.names():
        site.replicas.crash(name)
    return lambda: _let(world, site, release)


def replicas_start_slowly(world: World, chance: random.Random) -> End:
    """The model servers of a release take their time to start."""
    site = some_site(world, chance)
    release = routed(site, chance)
    site.replicas.hold(release)
    return lambda: _let(world, site, release)


def _let(world: World, site: SimulatedSite, release: str) -> None:
    site.replicas.let(release)
    if not world.scripts.starts(release):
        site.replicas.break_release(release, "no module named sklearn")


def gateway_dies(site: SimulatedSite, chance: random.Random) -> End:
    """A gateway is killed."""
    site.traffic.is_up = False
    return _nothing


def gateway_will_not_start(site: SimulatedSite, chance: random.Random) -> End:
    """A gateway is killed and cannot come back."""
    site.traffic.is_up, site.traffic.cannot_start = False, "port 8080 is held by another program"

    def end() -> None:
        site.traffic.cannot_start = ""

    return end


def gateway_refuses(world: World, chance: random.Random) -> End:
    """A gateway refuses the routes of the service."""
    site = some_site(world, chance)
    site.traffic.refused = frozenset({world.service})

    def end() -> None:
        site.traffic.refused = frozenset()

    return end


def lines_lost(site: SimulatedSite, chance: random.Random) -> End:
    """Lines of a gateway's log are lost."""
    site.traffic.gap = True

    def end() -> None:
        site.traffic.gap = False

    return end


def wrong_share(site: SimulatedSite, chance: random.Random) -> End:
    """A gateway gives the candidate another share than it was told."""
    site.traffic.skew = chance.choice([0.2, 4.0])

    def end() -> None:
        site.traffic.skew = 1.0

    return end


def cut(site: SimulatedSite, chance: random.Random) -> End:
    """A site and the control plane do not reach each other."""
    site.link.is_cut = True

    def end() -> None:
        site.link.is_cut = False

    return end


def late(world: World, chance: random.Random) -> End:
    """A site's reports arrive late, in another order, and before the site says anything new."""
    site = some_site(world, chance)
    site.link.is_slow = True

    def end() -> None:
        site.link.is_slow = False
        site.link.arrive()
        world.is_control_first = True

    return end


def branch_gone(world: World, chance: random.Random) -> End:
    """The branch is deleted, and comes back."""
    key = (REPOSITORY, "main")
    head = world.git.branches.pop(key)

    def end() -> None:
        world.git.branches.setdefault(key, head)

    return end


def history_rewritten(world: World, chance: random.Random) -> End:
    """A force-push: the branch's history is another one from now on."""
    world.commit(Script(f"rewritten {chance.getrandbits(20):05x}"), parent="")
    return _nothing


def file_poisoned(world: World, chance: random.Random) -> End:
    """A commit whose `windlass.yaml` nobody should follow."""
    world.commit(Script(f"poisoned {chance.getrandbits(20):05x}"), spec=poisoned_spec(world.spec, chance))
    return _nothing


def service_gone(world: World, chance: random.Random) -> End:
    """A commit without the service's file; it comes back."""
    world.commit(Script(f"gone {chance.getrandbits(20):05x}"), spec=b"")

    def end() -> None:
        world.commit(Script(f"back {chance.getrandbits(20):05x}"))

    return end


def job_killed(world: World, chance: random.Random) -> End:
    """A build or gate that runs is killed."""
    for name, (request, began, outcome) in sorted(world.compute.running.items())[:1]:
        dead = JobSeen(name, request.kind, request.service, "failed", began, trouble="crash", words="signal 9")
        world.compute.running[name] = (request, NEVER, replace(outcome, seen=dead))
    return _nothing


def machine_full(world: World, chance: random.Random) -> End:
    """The control plane's disk is nearly full."""
    world.machine.free = 0.02

    def end() -> None:
        world.machine.free = 0.5

    return end
