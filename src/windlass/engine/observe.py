"""Looking at the world: repositories are polled, jobs and reports are read. Nothing here decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from windlass.delivery.gates.lines import gate_check
from windlass.delivery.sources.decide import CommitRead, SourceView
from windlass.delivery.sources.locations import Location
from windlass.delivery.sources.tree import (
    CommitTree,
    TreeReading,
    paths_to_read,
    untracked_data,
    wanted_from_tree,
)
from windlass.engine.ports import EnginePorts
from windlass.facts import types as kinds
from windlass.facts.ledger import Fact
from windlass.facts.repositories import RepositoryState
from windlass.facts.state import ServiceState
from windlass.kernel.errors import WindlassError
from windlass.kernel.instants import Instant, later
from windlass.planner.repositories import plan_repository

POLL_SECONDS = 10.0  # often enough that a push feels immediate, rare enough for a remote
LOCAL_POLL_SECONDS = 2.0  # reading a reference of a local repository costs a millisecond and disturbs nobody
POLL_JITTER = 0.2  # so that many watchers of one remote do not meet


@dataclass(frozen=True, slots=True)
class Known:
    """A commit that was read, and what it says with the data that lie beside it."""

    commit: str
    tree: CommitTree
    outside: tuple[Location, ...]  # data that the commit names and does not hold
    reading: TreeReading


@dataclass(slots=True)
class Watch:
    """When each repository is looked at next. Memory only: after a restart all are looked at once.

    `again` names services whose commit is read once more although the branch did not move: their data may have.
    `known` is the last commit read of each repository whose last one has a complaint: it is looked at again and again.
    """

    due: dict[str, Instant] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    known: dict[str, Known] = field(default_factory=dict)

    def hint(self, repository: str | None = None) -> None:
        """Look at once: somebody pushed or said `sync`."""
        if repository is None:
            self.due.clear()
        else:
            self.due.pop(repository, None)


async def repositories(
    ports: EnginePorts, watch: Watch, states: Mapping[str, RepositoryState], services: Mapping[str, ServiceState]
) -> tuple[Fact, ...]:
    """The facts of every repository that is due; what cannot be read is a complaint, and what runs keeps running."""
    now = ports.clock.now()
    found: list[Fact] = []
    for name, state in sorted(states.items()):
        if watch.due.get(name, now) > now:
            continue
        pause = LOCAL_POLL_SECONDS if name.startswith("/") else POLL_SECONDS
        watch.due[name] = later(now, seconds=pause * (1 + ports.chance.uniform(-POLL_JITTER, POLL_JITTER)))
        try:
            found += await _read(ports, watch, state, services, now) or await _read_again(ports, watch, state, services)
        except WindlassError as error:
            found += _complain(state, str(error), now)
    return tuple(found)


def _complain(state: RepositoryState, words: str, now: Instant) -> list[Fact]:
    if state.complaints == (words,):
        return []
    return [Fact("", now, kinds.SourceComplained(state.repository, state.commit, (words,)))]


async def _read(
    ports: EnginePorts, watch: Watch, state: RepositoryState, services: Mapping[str, ServiceState], now: Instant
) -> tuple[Fact, ...]:
    repository = state.repository
    head = await ports.git.head(repository, state.branch)
    if head.commit == state.commit and not state.complaints:
        return ()
    forced = bool(state.commit) and not await _descends(ports, repository, head.commit, state.commit)
    commit = CommitRead(head.commit, head.subject, head.author, forced)
    reading = await _reading(ports, watch, repository, head.commit)
    return plan_repository(SourceView(state, commit, reading, services), now)


async def _reading(ports: EnginePorts, watch: Watch, repository: str, commit: str) -> TreeReading:
    """What a commit says. It stays as it is for as long as the data do that lie beside it."""
    known = watch.known.get(repository)
    tree, outside = await _tree(ports, repository, commit, known)
    if known is None or known.tree != tree:
        known = Known(commit, tree, outside, wanted_from_tree(tree, gate_check))
    if known.reading.complaints or known.reading.refused:
        watch.known[repository] = known
    else:
        watch.known.pop(repository, None)  # nobody asks for it again before there is another commit
    return known.reading


async def _tree(
    ports: EnginePorts, repository: str, commit: str, known: Known | None
) -> tuple[CommitTree, tuple[Location, ...]]:
    """The files of a commit, read once, and the digests of its data outside, taken each time."""
    if known is not None and known.commit == commit:
        digests = await _data_digests(ports, repository, known.outside)
        return replace(known.tree, data_digests=digests), known.outside
    entries = await ports.git.tree(repository, commit)
    files: dict[str, bytes] = {}
    while missing := paths_to_read(entries, files):
        files |= {path: await ports.git.read(repository, commit, path) for path in missing}
    outside = untracked_data(entries, files, gate_check)
    digests = await _data_digests(ports, repository, outside)
    return CommitTree(entries, files, digests, ports.machine.python()), outside


async def _read_again(
    ports: EnginePorts, watch: Watch, state: RepositoryState, services: Mapping[str, ServiceState]
) -> list[Fact]:
    """What changed data beside the newest commit make of the services of this repository that somebody asked for."""
    asked = {
        name
        for name in watch.again
        if name in services and (wanted := services[name].wanted) and wanted.repository == state.repository
    }
    watch.again -= asked
    if not asked or not state.commit:
        return []
    facts = await _read(ports, watch, replace(state, commit="", complaints=()), services, ports.clock.now())
    return [fact for fact in facts if fact.service in asked]


async def _descends(ports: EnginePorts, repository: str, commit: str, ancestor: str) -> bool:
    try:
        return await ports.git.descends(repository, commit, ancestor)
    except WindlassError:
        return False  # the old commit is gone from the repository: its history was rewritten


async def _data_digests(ports: EnginePorts, repository: str, locations: Sequence[Location]) -> dict[str, str]:
    found: dict[str, str] = {}
    for location in locations:
        digest = await ports.machine.digest(data_path(repository, location.folder, location.location))
        if digest is not None:
            found[location.key] = digest
    return found


def data_path(repository: str, folder: str, location: str) -> str:
    """Where data that the commit does not hold lie: an absolute path, or a path in the watched working copy."""
    plain = location.removeprefix("file://")
    return plain if plain.startswith("/") else "/".join(part for part in (repository, folder, plain) if part)
