"""Removing what no plan can still reach: `windlass gc`. What is left over beside the store: `leftovers.py`.

Kept are the live, previous, best, quarantined, moving and waiting releases, the last ten of each service, and
everything that their provenance and verdicts name. The others are forgotten by a fact first: from then on an equal
commit builds again, so that no plan can name what is being removed. A crash after the fact leaves files that the next
collection finds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from windlass.delivery.releases.manifest import read_manifest
from windlass.engine.commands import Principal
from windlass.engine.leftovers import reach_of, repositories_of, spare_leftovers
from windlass.engine.loop import Engine
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.state import ReleaseState, ServiceState
from windlass.kernel.digests import Digest, parse_digest
from windlass.kernel.instants import NEVER, Instant, later
from windlass.planner.views import candidate_of
from windlass.ports.artifacts import Blob
from windlass.ports.leftovers import Leftover
from windlass.ports.store import Stored

YOUNG_SECONDS = 86_400.0  # somebody may be about to name what is younger
NEWEST_KEPT = 10


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection removed, or would remove; `kept` counts the files that stay."""

    releases: int
    blobs: int
    size_bytes: int
    kept: int
    leftovers: tuple[Leftover, ...] = ()


async def collect(engine: Engine, who: Principal, *, dry_run: bool) -> Collected:
    """Forget the releases that nothing can reach, and remove the files that then nothing names.

    Raises:
        Unavailable: a manifest that is still needed cannot be read, or the disk fails; what is needed is there.
    """
    stored = await engine.ports.store.load()
    needed = await _needed(engine, stored)
    forgotten = sum(len(spare_releases(state)) for state in stored.services.values())
    if forgotten and not dry_run:
        stored = await engine.record(lambda newest: _facts(newest, who, engine.ports.clock.now()))
        needed = await _needed(engine, stored)
    blobs = await engine.ports.artifacts.blobs()
    spare = _spare(blobs, needed, _limit(stored, engine.ports.clock.now()))
    if spare and not dry_run:
        await engine.ports.artifacts.remove(frozenset(blob.digest for blob in spare))
    freed, left = sum(blob.size_bytes for blob in spare), await _leftovers(engine, stored, needed)
    if left and not dry_run:
        left = await engine.ports.leftovers.remove(left)
    return Collected(forgotten, len(spare), freed, len(blobs) - len(spare), left)


async def _leftovers(engine: Engine, stored: Stored, needed: frozenset[Digest]) -> tuple[Leftover, ...]:
    kept = {service: kept_releases(state) for service, state in stored.services.items()}
    known = [job.job for job in await engine.ports.compute.look()]
    found = await engine.ports.leftovers.found(repositories_of(stored.services, stored.repositories))
    limit = _limit(stored, engine.ports.clock.now())
    return spare_leftovers(found, reach_of(stored.services, kept, needed, known), limit)


def kept_releases(state: ServiceState) -> frozenset[str]:
    """The releases of a service that a plan, a person's way back or a judgement can still reach."""
    live = state.releases.get(state.live)
    since = live.made_at if live is not None else NEVER
    kept = {state.live, state.previous, state.best, candidate_of(state), *state.quarantine}
    if state.wanted is not None and state.wanted.build_key in state.builds:
        kept.add(state.builds[state.wanted.build_key].release)
    if state.rollout is not None:
        kept |= {state.rollout.release, state.rollout.champion}
    for record in state.releases.values():
        if record.gate_job or (not record.fate and record.made_at > since):
            kept |= {record.release, record.gate_champion}
    newest = sorted(state.releases.values(), key=lambda record: (record.made_at, record.release))[-NEWEST_KEPT:]
    kept |= {record.release for record in newest}
    return frozenset(kept & set(state.releases))


def spare_releases(state: ServiceState) -> tuple[str, ...]:
    """The releases that are known and that nothing can reach, sorted."""
    return tuple(sorted(set(state.releases) - kept_releases(state)))


def _facts(stored: Stored, who: Principal, now: Instant) -> list[Fact]:
    """One fact for each service that has something to forget, made from the newest state."""
    spare = {service: spare_releases(state) for service, state in sorted(stored.services.items())}
    return [Fact(service, now, kinds.ReleasesForgotten(names, who.name)) for service, names in spare.items() if names]


def _limit(stored: Stored, now: Instant) -> Instant:
    """Files that were stored before this instant are nobody's work in progress."""
    began = [
        build.at for state in stored.services.values() for build in state.builds.values() if build.state == "running"
    ]
    return min([later(now, seconds=-YOUNG_SECONDS), *began])


def _spare(blobs: Iterable[Blob], needed: frozenset[Digest], limit: Instant) -> list[Blob]:
    return [blob for blob in blobs if blob.digest not in needed and blob.stored_at < limit]


async def _needed(engine: Engine, stored: Stored) -> frozenset[Digest]:
    needed: set[Digest] = set()
    for _, state in sorted(stored.services.items()):
        for release in sorted(kept_releases(state)):
            needed |= await _files(engine, release)
            needed |= set(_digests(_named(state.releases[release])))
        needed |= set(_digests([state.ledger]))
    return frozenset(needed)


async def _files(engine: Engine, release: str) -> set[Digest]:
    digest = parse_digest(release)
    manifest = read_manifest(await engine.ports.artifacts.read(digest))
    return {digest, *(file.digest for file in manifest)}


def _named(record: ReleaseState) -> list[object]:
    """Where a release's record names stored files: its samples, its scores, and what a judgement that runs reads."""
    return [record.scores, record.provenance, record.verdict_checks, record.gate_request]


def _digests(values: Iterable[object]) -> Iterator[Digest]:
    """Every digest that stands anywhere in some JSON values."""
    for value in values:
        if isinstance(value, str):
            try:
                yield parse_digest(value)
            except ValueError:
                continue
        elif isinstance(value, Mapping):
            yield from _digests(value.values())
        elif isinstance(value, (list, tuple)):
            yield from _digests(value)
