"""Which leftovers nothing can need again: environments, overlays, job folders, logs and mirrors.

Kept are the environments and logs of the releases that are kept, those of their replicas among them, everything of a
job that runs, and what is younger than a day or than the oldest build that runs. Of the logs the newest twenty of each
service and kind stay as well: twice the releases that are kept, since a build that failed is read about more often than
one that did not.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from windlass.delivery.services.names import replica_prefix
from windlass.engine.apply.jobs import wanted_jobs
from windlass.facts.state import ServiceState
from windlass.kernel.digests import Digest, short
from windlass.kernel.instants import Instant
from windlass.ports.leftovers import Leftover

LOGS_KEPT = 20


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be needed again: `digests` of stored files, `jobs` that run or are known, `logs` by their file's name,
    the `releases` that are kept, by service, and what the names of their `replicas` begin with."""

    digests: frozenset[Digest]
    jobs: frozenset[str]
    logs: frozenset[str]
    releases: Mapping[str, frozenset[str]]
    replicas: tuple[str, ...] = ()


def reach_of(
    services: Mapping[str, ServiceState],
    kept: Mapping[str, frozenset[str]],
    digests: frozenset[Digest],
    known: Iterable[str],
) -> Reach:
    """What the facts can lead to; `known` are the jobs that the compute knows."""
    jobs = frozenset({*known, *wanted_jobs(services)})
    logs = {
        name for service, state in services.items() for name in _logs_of(service, state, kept.get(service, frozenset()))
    }
    logs |= {f"{service}-{job}.txt" for service in services for job in jobs}
    replicas = tuple(replica_prefix(service, release) for service, releases in kept.items() for release in releases)
    return Reach(digests, jobs, frozenset(logs), kept, replicas)


def repositories_of(services: Mapping[str, ServiceState], watched: Iterable[str]) -> frozenset[str]:
    """The repositories that are watched, that a service came from, or that a job reads."""
    wanted = {state.wanted.repository for state in services.values() if state.wanted is not None}
    read = {str(request.body.get("repository", "")) for request in wanted_jobs(services).values()}
    return frozenset(name for name in {*watched, *wanted, *read} if name)


def spare_leftovers(found: Iterable[Leftover], reach: Reach, limit: Instant) -> tuple[Leftover, ...]:
    """Those that nothing can need again and that were made before `limit`; what is half removed has no age."""
    everything = tuple(found)
    logs = _kept_logs([one for one in everything if one.kind == "log"], reach)
    return tuple(
        one
        for one in everything
        if one.kind == "remains" or (one.changed_at < limit and not _is_needed(one, reach, logs))
    )


def _is_needed(one: Leftover, reach: Reach, logs: frozenset[str]) -> bool:
    if one.kind == "replica-log":
        return one.name.rpartition("/")[2].startswith(reach.replicas)
    names = {"job": reach.jobs, "log": logs}.get(one.kind, frozenset())
    return one.name in names or bool(reach.digests & set(one.digests))


def _logs_of(service: str, state: ServiceState, kept: Collection[str]) -> Iterable[str]:
    newest = state.wanted.build_key if state.wanted is not None else ""
    for build in state.builds.values():
        if build.state == "running" or build.build_key == newest or build.release in kept:
            yield f"{service}-{build.job}.txt"
    for release in kept:
        yield str(state.releases[release].provenance.get("log", "")).rpartition("/")[2]


def _kept_logs(logs: Iterable[Leftover], reach: Reach) -> frozenset[str]:
    kept: set[str] = set()
    shelves: dict[tuple[str, str], list[Leftover]] = {}
    for one in logs:
        kind, _, file = one.name.partition("/")
        service = next((name for name in reach.releases if file.startswith(f"{name}-{kind}-{name}-")), "")
        shelves.setdefault((kind, service), []).append(one)
        judged = any(f"-{short(release)}-" in file for release in reach.releases.get(service, ()))
        if file in reach.logs or (kind == "gate" and judged):
            kept.add(one.name)
    for shelf in shelves.values():
        newest = sorted(shelf, key=lambda one: (one.changed_at, one.name))[-LOGS_KEPT:]
        kept |= {one.name for one in newest}
    return frozenset(kept)
