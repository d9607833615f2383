"""Removing what no plan can still reach: `windlass gc`.

Reachable are live, previous, best, quarantined, moving and waiting releases, the last ten of each service, and
everything that their provenance and verdicts name. Blobs younger than a day are kept: a build may be about to name
them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from windlass.delivery.releases.manifest import read_manifest
from windlass.engine.loop import Engine
from windlass.engine.queries import reachable
from windlass.facts.state import ReleaseState, ServiceState
from windlass.kernel.digests import Digest, parse_digest
from windlass.kernel.instants import later
from windlass.ports.store import Stored

YOUNG_SECONDS = 86_400.0  # longer than any build may take


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection removed, or would remove."""

    blobs: int
    size_bytes: int
    kept: int


async def collect(engine: Engine, *, dry_run: bool) -> Collected:
    """Remove unreachable blobs.

    Raises:
        Unavailable: a manifest that is still needed cannot be read; nothing was removed.
    """
    stored = await engine.ports.store.load()
    needed = await _needed(engine, stored)
    limit = later(engine.ports.clock.now(), seconds=-YOUNG_SECONDS)
    blobs = await engine.ports.artifacts.blobs()
    spare = [blob for blob in blobs if blob.digest not in needed and blob.stored_at < limit]
    size = sum(blob.size_bytes for blob in spare)
    if spare and not dry_run:
        await engine.ports.artifacts.remove(frozenset(blob.digest for blob in spare))
    return Collected(len(spare), size, len(blobs) - len(spare))


async def _needed(engine: Engine, stored: Stored) -> frozenset[Digest]:
    needed: set[Digest] = set()
    for service, releases in sorted(reachable(stored).items()):
        state = stored.services[service]
        for release in sorted(releases):
            needed |= await _files(engine, release)
            needed |= set(_named(state.releases.get(release)))
        needed |= set(_digests([state.ledger, *_running(state)]))
    return frozenset(needed)


async def _files(engine: Engine, release: str) -> set[Digest]:
    digest = parse_digest(release)
    manifest = read_manifest(await engine.ports.artifacts.read(digest))
    return {digest, *(file.digest for file in manifest)}


def _named(record: ReleaseState | None) -> list[Digest]:
    if record is None:
        return []
    return _digests([record.scores, record.provenance, record.verdict_checks])


def _running(state: ServiceState) -> list[object]:
    return [record.gate_request for record in state.releases.values() if record.gate_job]


def _digests(values: Iterable[object]) -> list[Digest]:
    """Every digest that stands anywhere in some JSON values."""
    found: list[Digest] = []
    for value in values:
        if isinstance(value, str):
            try:
                found.append(parse_digest(value))
            except ValueError:
                continue
        elif isinstance(value, Mapping):
            found += _digests(value.values())
        elif isinstance(value, (list, tuple)):
            found += _digests(value)
    return found
