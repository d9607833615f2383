"""Small commits for tests, written as text by path."""

from collections.abc import Mapping
from dataclasses import dataclass

from windlass.delivery.sources.parse import GateCheck
from windlass.delivery.sources.tree import paths_to_read, wanted_from_tree
from windlass.delivery.sources.types import CommitTree, FoundService, TreeReading
from windlass.kernel.digests import digest_of


@dataclass(frozen=True, slots=True)
class FakeEntry:
    path: str
    oid: str = "0"
    kind: str = "file"
    target: str = ""


def fine(_: str) -> str | None:
    return None


def commit(files: Mapping[str, str], *odd: FakeEntry, digests: Mapping[str, str] | None = None) -> CommitTree:
    """A commit of these files and odd entries, with the spec files read as the engine reads them."""
    entries = (*(FakeEntry(path, digest_of(text.encode())) for path, text in files.items()), *odd)
    read: dict[str, bytes] = {}
    while missing := paths_to_read(entries, read):
        read |= {path: files[path].encode() for path in missing}
    return CommitTree(entries, read, digests or {})


def reading(
    files: Mapping[str, str], *odd: FakeEntry, digests: Mapping[str, str] | None = None, check: GateCheck = fine
) -> TreeReading:
    """What such a commit says."""
    return wanted_from_tree(commit(files, *odd, digests=digests), check)


def told(found: TreeReading) -> list[str]:
    """Every complaint of a reading, as people see it."""
    refused = [complaint.sentence() for file in found.refused for complaint in file.complaints]
    return [*(complaint.sentence() for complaint in found.complaints), *refused]


def only(found: TreeReading) -> FoundService:
    """The one service of a commit without complaints."""
    assert not told(found), told(found)
    (service,) = found.services
    return service
