"""What a commit makes true. The facts are the answer: there is nothing to wait for, since a commit is there or it
is not.

A service gets a fact only when something about it changed, so that a thousand equal commits leave one trace. What
cannot be read is held, never deleted: the last good file stays desired.
"""

from collections.abc import Iterator, Mapping

from windlass.delivery.sources.types import CommitRead, FoundService, RefusedFile, SourceView
from windlass.facts.ledger import Fact
from windlass.facts.state import ServiceState
from windlass.facts.types import CommitSeen, ServiceAbsent, ServiceRefused, ServiceWanted, SourceComplained
from windlass.kernel.errors import Complaint, clip
from windlass.kernel.instants import Instant
from windlass.kernel.records import to_json

__all__ = ["CommitRead", "SourceView", "decide"]


def decide(view: SourceView, now: Instant) -> tuple[Fact, ...]:
    """Say which facts follow from the newest commit; none where all of them are known."""
    return (*_of_repository(view, now), *_wanted(view, now), *_refused(view, now), *_absent(view, now))


def _of_repository(view: SourceView, now: Instant) -> Iterator[Fact]:
    repository, commit = view.repository, view.commit
    if commit.commit != repository.commit:
        seen = CommitSeen(
            repository.repository, repository.branch, commit.commit, commit.subject, commit.author, commit.forced
        )
        yield Fact("", now, seen)
    complaints = tuple(complaint.sentence() for complaint in _all_complaints(view))
    if complaints != repository.complaints:
        yield Fact("", now, SourceComplained(repository.repository, commit.commit, complaints))


def _all_complaints(view: SourceView) -> Iterator[Complaint]:
    rewritten = _rewritten(view)
    if view.commit.forced or rewritten.sentence() in view.repository.complaints:
        yield rewritten
    yield from view.reading.complaints
    for file in view.reading.refused:
        yield from file.complaints
    for found in view.reading.services:
        if owner := _other_owner(view, found.name):
            what = (
                f'"{found.name}" is already the service of {owner}; give one of them another name, or retire that one'
            )
            yield Complaint(found.path, "service", what)


def _rewritten(view: SourceView) -> Complaint:
    """It names its commit, so that it stays until the next one and no longer."""
    what = (
        f"its history was rewritten at {view.commit.commit[:12]}; what runs keeps running, and approvals of old "
        "commits do not carry over"
    )
    return Complaint(clip(view.repository.branch), "", what)


def _other_owner(view: SourceView, name: str) -> str:
    """Another repository that a service of this name comes from, else ""."""
    state = view.services.get(name)
    if state is None or state.wanted is None or state.retired:
        return ""
    owner = state.wanted.repository
    return "" if owner == view.repository.repository else owner


def _wanted(view: SourceView, now: Instant) -> Iterator[Fact]:
    for found in view.reading.services:
        if not _other_owner(view, found.name) and _is_news(view, found):
            body = ServiceWanted(
                view.repository.repository,
                view.commit.commit,
                view.commit.subject,
                view.commit.author,
                found.folder,
                to_json(found.spec),
                found.policy,
                found.build_key,
                found.data,
            )
            yield Fact(found.name, now, body)


def _is_news(view: SourceView, found: FoundService) -> bool:
    state = view.services.get(found.name)
    if state is None or state.wanted is None:
        return True
    wanted = state.wanted
    known = (wanted.repository, wanted.folder, wanted.policy, wanted.build_key)
    if known != (view.repository.repository, found.folder, found.policy, found.build_key):
        return True
    if state.refused or state.absent_since:
        return True
    # A failed build is no result, so a later commit with equal content asks for it again.
    failed = any(build.state == "failed" and build.commit == wanted.commit for build in state.builds.values())
    return failed and wanted.commit != view.commit.commit


def _refused(view: SourceView, now: Instant) -> Iterator[Fact]:
    complaints: dict[str, tuple[str, ...]] = {}
    for file in view.reading.refused:
        name = _service_of(view, file)
        if name and not _other_owner(view, name):
            complaints[name] = (*complaints.get(name, ()), *(one.sentence() for one in file.complaints))
    for name, sentences in sorted(complaints.items()):
        state = view.services.get(name)
        if state is None or state.refused != sentences:
            body = ServiceRefused(view.repository.repository, view.commit.commit, sentences)
            yield Fact(name, now, body)


def _service_of(view: SourceView, file: RefusedFile) -> str:
    """The service that a bad file is about: by the name in it, else by the folder that it lies in. A name that nobody
    knows, in the file of a service that is wanted, is one more thing wrong with that file."""
    own = _own(view)
    here = [name for name, state in own.items() if _folder(state) == file.folder and (not file.name or _is_here(state))]
    return file.name if file.name in own or not here else here[0]


def _is_here(state: ServiceState) -> bool:
    """Whether the newest commit that could be read holds the service."""
    return not state.retired and not state.absent_since


def _absent(view: SourceView, now: Instant) -> Iterator[Fact]:
    """Services of which the branch no longer says anything. Where the reading is not complete, nobody is."""
    reading = view.reading
    if not reading.complete:
        return
    here = {found.name for found in reading.services} | {_service_of(view, file) for file in reading.refused}
    held = {file.folder for file in reading.refused}
    for name, state in sorted(_own(view).items()):
        if name not in here and _folder(state) not in held and not state.absent_since:
            yield Fact(name, now, ServiceAbsent(view.commit.commit))


def _own(view: SourceView) -> Mapping[str, ServiceState]:
    return {
        name: state
        for name, state in sorted(view.services.items())
        if state.wanted is not None and state.wanted.repository == view.repository.repository
    }


def _folder(state: ServiceState) -> str:
    return state.wanted.folder if state.wanted else ""
