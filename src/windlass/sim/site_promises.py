"""Promises about a site: its disk, its journal, its gateway, its model servers."""

import json
from collections.abc import Callable, Iterator
from functools import lru_cache

from windlass.facts import types as kinds
from windlass.kernel.digests import short
from windlass.kernel.instants import seconds_between
from windlass.sim.seen import Seen
from windlass.sim.sites import FOLDER, SimulatedSite

CALM_TICKS = 3  # so long after a port answered falsely the agent knows again what its gateway and its replicas do
# A replica that failed again and again starts after 39 s at most. It has to run for 60 s before that is forgotten: one
# that dies just before is started after 39 s again.
MENDED_SECONDS = 140.0
REPORTS = 3  # after one report each nobody can tell which of two processes is the later one


def an_acknowledged_act_is_on_the_disk(seen: Seen) -> Iterator[str]:
    """What a site acknowledged is on its disk."""
    for site, seq in sorted(seen.journalled - seen.durable):
        lines = seen.world.sites[site].disk.files.get(f"{FOLDER}/journal.jsonl", b"").split(b"\n")
        if not any(_entry(line).get("seq") == seq for line in lines):
            yield f"entry {seq} of {site} is not"
    seen.durable |= seen.journalled


def _entry(line: bytes) -> dict[str, object]:
    try:
        return dict(json.loads(line)["entry"])
    except (ValueError, KeyError, TypeError):
        return {}


def what_was_refused_has_no_effect(seen: Seen) -> Iterator[str]:
    """No entry of a journal is adopted that its site did not acknowledge."""
    for fact in seen.fresh if seen.watches_sites else ():
        body = fact.body
        is_known = isinstance(body, kinds.SiteActed) and body.site not in {*seen.uncertain, *seen.amnesic}
        if is_known and not body.who.startswith("site/") and (body.site, body.seq) not in seen.journalled:
            yield f"entry {body.seq} of {body.site}"


def an_act_at_a_site_takes_effect_at_once(seen: Seen) -> Iterator[str]:
    """A candidate that somebody left at a site gets no callers there from that moment on."""
    for site, release in sorted(seen.left):
        place = seen.world.sites[site]
        if place.traffic.is_up and seen.calm.get(site, 0) >= CALM_TICKS and release in _weighted(place):
            yield f"{site} sends callers to {short(release)}"
    seen.left = {one for one in seen.left if _is_open(seen, *one)}


def _is_open(seen: Seen, site: str, release: str) -> bool:
    """Whether it must still show: a gateway that does not run sends nobody anywhere, nor when it runs again."""
    return not seen.world.sites[site].traffic.is_up and release not in seen.state.quarantine


def what_a_site_follows_is_on_its_disk(seen: Seen) -> Iterator[str]:
    """The plan that a site follows is on its disk, unless the disk fails."""
    for site in seen.world.sites.values() if seen.is_thorough else ():
        if site.agent is None or site.is_frozen or not site.disk.is_sound or seen.calm.get(site.name, 0) < CALM_TICKS:
            continue
        followed, stored = site.agent.generation, _stored_generation(site)
        if followed > stored:
            yield f"{site.name} follows {followed} and would begin again with {stored}"


def _stored_generation(site: SimulatedSite) -> int:
    """The newest plan on the disk that can be read."""
    found = [0]
    for name in ("plan.json", "plan.previous.json"):
        try:
            found.append(_generation_of(site.disk.files.get(f"{FOLDER}/{name}", b"{}")))
        except ValueError:
            continue
    return max(found)


@lru_cache(maxsize=64)
def _generation_of(plan: bytes) -> int:
    return int(json.loads(plan).get("generation", 0))


def a_gateway_never_goes_back_in_time(seen: Seen) -> Iterator[str]:
    """No gateway follows an older plan than it did, and no number of a site comes again."""
    for site in seen.world.sites.values():
        parts = site.traffic.wish.version.split(".")
        if len(parts) != 2 or not all(part.isdecimal() for part in parts):
            continue
        version, last = (int(parts[0]), int(parts[1])), seen.versions.get(site.name)
        seen.versions[site.name] = version
        if last is None or version == last or site.name in seen.amnesic:
            continue
        if version[0] < last[0] or version[1] <= last[1]:
            yield f"{site.name} ran {last[0]}.{last[1]} and runs {version[0]}.{version[1]}"


def only_the_ready_get_callers(seen: Seen) -> Iterator[str]:
    """A release gets callers once its replicas are ready."""
    for site in seen.world.sites.values():
        weighted, before = _weighted(site), seen.routed.get(site.name, frozenset())
        seen.routed[site.name] = weighted
        if seen.calm.get(site.name, 0) < CALM_TICKS or not before:
            continue
        for release in sorted(weighted - before):
            states = site.replicas.states(release)
            if "ready" not in states:
                yield f"{site.name} sends callers to {short(release)}: {', '.join(states) or 'no replica'}"


def a_site_that_works_answers_everybody(seen: Seen) -> Iterator[str]:
    """No caller is turned away by a gateway that runs, where the agent works and the releases start."""
    now = seen.world.clock.now()
    for name, count in sorted(seen.turned_away.items()):
        since = seconds_between(seen.troubled_at[name], now)
        if count and since > MENDED_SECONDS:
            yield f"{name} turned {count} away, and had no trouble for {since:.0f} s"


def a_replica_ends_after_its_callers_left(seen: Seen) -> Iterator[str]:
    """No replica is ended to which its gateway still sends callers."""
    for site in seen.world.sites.values():
        if seen.calm.get(site.name, 0) >= CALM_TICKS and site.traffic.is_up:
            called = {path for one in site.traffic.wish.endpoints for path in one.sockets}
            for socket in sorted(called & set(site.replicas.ending())):
                yield f"{site.name} ends {socket}"


def a_canary_waits_for_every_site(seen: Seen) -> Iterator[str]:
    """A canary moves on by itself after every site has served its step."""
    for moved in seen.moved:
        if not moved.advances or moved.before is None or not moved.before.step_id:
            continue
        for site in seen.world.sites.values():
            served = max((_number(piece.step_id) for piece in site.traffic.wish.services), default=0)
            if served < _number(moved.before.step_id) and seen.calm.get(site.name, 0) >= CALM_TICKS:
                yield f"{moved.before.step_id} was left, and {site.name} has s{served}"


def a_site_that_speaks_is_heard(seen: Seen) -> Iterator[str]:
    """A site that lives and reports is heard, whatever was heard of its earlier processes."""
    engine = seen.world.engine
    heard = {report.site: report.boot for report, _ in engine.ports.sites.reports()} if engine is not None else {}
    for site in seen.world.sites.values():
        boot, count = site.link.delivered
        if engine is not None and count >= REPORTS and heard.get(site.name) != boot:
            yield f"{count} reports of {site.name} did not count"


def _number(step_id: str) -> int:
    return int(step_id.partition(".")[0].removeprefix("s"))


def _weighted(site: SimulatedSite) -> frozenset[str]:
    pieces = site.traffic.wish.services
    return frozenset(route.release for piece in pieces for route in piece.routes if route.weight > 0)


PROMISES: tuple[Callable[[Seen], Iterator[str]], ...] = (
    an_acknowledged_act_is_on_the_disk,
    what_was_refused_has_no_effect,
    an_act_at_a_site_takes_effect_at_once,
    what_a_site_follows_is_on_its_disk,
    a_gateway_never_goes_back_in_time,
    only_the_ready_get_callers,
    a_site_that_works_answers_everybody,
    a_replica_ends_after_its_callers_left,
    a_canary_waits_for_every_site,
    a_site_that_speaks_is_heard,
)
