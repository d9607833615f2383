"""One commit's tree to the services that it wants.

`windlass.yaml` is looked for at the root and in the folders that the root file lists. What is wrong with one file
holds only the service of that file; what makes a checkout dangerous holds all of them.
"""

import posixpath
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from windlass.delivery.sources.keys import (
    SPEC_NAME,
    build_digest,
    lfs_pointer,
    named_locations,
    own_entries,
    pinned_data,
    place_of,
    policy_digest,
    python_of,
    tracked,
)
from windlass.delivery.sources.locations import Location, inside
from windlass.delivery.sources.parse import GateCheck, service_name, service_of
from windlass.delivery.sources.pythons import PYTHON_FILES
from windlass.delivery.sources.reading import Document, Path, read_document
from windlass.delivery.sources.types import CommitTree, Entry, FoundService, RefusedFile, ServiceSpec, TreeReading
from windlass.delivery.sources.validate import validate
from windlass.kernel.errors import Complaint, UserMistake, clip
from windlass.kernel.limits import COMPLAINTS_MAX, SERVICES_PER_REPOSITORY_MAX, TREE_FILES_MAX

__all__ = ["CommitTree", "TreeReading", "paths_to_read", "untracked_data", "wanted_from_tree"]

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LIST_ONLY = {"services", "windlass"}


@dataclass(frozen=True, slots=True)
class _Listing:
    """What the root file says about where services lie. `folders` holds each with its place in the list."""

    root: Document | None = None
    folders: tuple[tuple[str, Path], ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class _Parsed:
    path: str
    folder: str
    document: Document
    spec: ServiceSpec


def paths_to_read(entries: Sequence[Entry], files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The files whose content is still to be read, given those that were; call it until it is empty: each service's
    own, and those beside it that choose its Python."""
    if _unsafe_tree(entries):
        return ()
    known = {entry.path for entry in entries if entry.kind in ("file", "executable")}
    if SPEC_NAME in known and SPEC_NAME not in files:
        return (SPEC_NAME,)
    folders = ["", *(folder for folder, _ in _listing(entries, files).folders)]
    wanted = [posixpath.join(folder, name) for folder in folders for name in (SPEC_NAME, *PYTHON_FILES)]
    return tuple(path for path in dict.fromkeys(wanted) if path in known and path not in files)


def untracked_data(entries: Sequence[Entry], files: Mapping[str, bytes], gate_check: GateCheck) -> tuple[Location, ...]:
    """The data that a service names and the commit does not hold.

    The caller digests what exists and hands it to `wanted_from_tree` as `data_digests`, by `key`. The holdout is among
    them, because a path that leads nowhere is told with the commit; its digest is no part of the build key.
    """
    entries = _sorted(entries)
    found: dict[str, Location] = {}
    for parsed in _parse_all(_listing(entries, files), files, gate_check):
        if isinstance(parsed, _Parsed):
            for location in named_locations(parsed.spec).values():
                place = place_of(location, parsed.folder)
                if place is not None and not tracked(place, entries):
                    found[place] = Location(parsed.folder, location, place)
    return tuple(found[place] for place in sorted(found))


def wanted_from_tree(tree: CommitTree, gate_check: GateCheck) -> TreeReading:
    """The services that a commit wants, the files that cannot be used, and what is wrong with the commit as a whole.

    Args:
        tree: the commit; `files` holds everything that `paths_to_read` asked for.
        gate_check: says what is wrong with a gate line, or None.
    """
    if unsafe := _unsafe_tree(tree.entries):
        return TreeReading(complaints=_first(unsafe), complete=False)
    tree = replace(tree, entries=_sorted(tree.entries))
    listing = _listing(tree.entries, tree.files)
    parsed_or_refused = list(_parse_all(listing, tree.files, gate_check))
    refused = [item for item in parsed_or_refused if isinstance(item, RefusedFile)]
    taken = _paths_by_name(parsed_or_refused)
    services = []
    for item in parsed_or_refused:
        if not isinstance(item, _Parsed):
            continue
        complaints = (*_twice(item, taken), *_tree_complaints(item, tree))
        if complaints:
            refused.append(RefusedFile(item.path, item.folder, item.spec.service, complaints))
        else:
            services.append(_found(item, tree))
    return TreeReading(
        tuple(sorted(services, key=lambda found: found.name)),
        tuple(replace(bad, complaints=_first(bad.complaints)) for bad in (*listing.refused, *refused)),
        _first(listing.complaints),
        listing.complete,
    )


def _first(complaints: tuple[Complaint, ...]) -> tuple[Complaint, ...]:
    """What is corrected first, and how much more there is: each of them is stored and shown as often as it is met."""
    rest = complaints[COMPLAINTS_MAX:]
    if not rest:
        return complaints
    what = f"{len(rest)} more things are wrong from here on; correct those above first"
    return (*complaints[:COMPLAINTS_MAX], Complaint(rest[0].where, rest[0].field, what))


def _sorted(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.path))


def _found(item: _Parsed, tree: CommitTree) -> FoundService:
    spec = item.spec
    build_key = build_digest(spec, item.folder, tree)
    data = pinned_data(spec, item.folder, tree)
    return FoundService(spec.service, item.folder, item.path, spec, policy_digest(spec), build_key, data)


def _spec_path(folder: str) -> str:
    return posixpath.join(folder, SPEC_NAME)


def _unsafe_tree(entries: Sequence[Entry]) -> tuple[Complaint, ...]:
    """What makes any checkout of the commit dangerous or too slow."""
    if len(entries) > TREE_FILES_MAX:
        what = f"the commit has {len(entries)} files, and {TREE_FILES_MAX} is the limit; keep data out of Git"
        return (Complaint("", "", what),)
    return tuple(
        Complaint(f'"{clip(entry.path)}"', "", "is a path that cannot be checked out safely; rename it")
        for entry in entries
        if _is_unsafe(entry.path)
    )


def _is_unsafe(path: str) -> bool:
    return bool(_CONTROL.search(path)) or any(part.lower() in ("", ".", "..", ".git") for part in path.split("/"))


def _listing(entries: Sequence[Entry], files: Mapping[str, bytes]) -> _Listing:
    if SPEC_NAME not in files:
        here = [entry.kind for entry in entries if entry.path == SPEC_NAME]
        what = f"is a {here[0]}; keep it as a file" if here else "is missing at the root of this commit; add one"
        return _Listing(complaints=(Complaint(SPEC_NAME, "", what),), complete=not here)
    document = _read(files[SPEC_NAME], SPEC_NAME)
    if isinstance(document, tuple):
        return _Listing(refused=(RefusedFile(SPEC_NAME, "", "", document),), complete=False)
    findings = validate(document)
    listed = findings.values.get("services") or ()
    known = {entry.path for entry in entries}
    folders: dict[str, Path] = {}
    for index, folder in enumerate(listed):
        if folder in folders:
            findings.complain(("services", index), "is listed twice; take one out")
        elif _spec_path(folder) not in known:
            findings.complain(("services", index), f'"{clip(folder)}" holds no {SPEC_NAME}; add one or take it out')
        else:
            folders[folder] = ("services", index)
    if len(folders) > SERVICES_PER_REPOSITORY_MAX:
        findings.complain(("services",), f"lists more than {SERVICES_PER_REPOSITORY_MAX}; split the repository")
        folders = {}
    is_list_only = set(document.value) <= _LIST_ONLY and "services" in document.value
    wrong = tuple(
        complaint for complaint in findings.complaints if is_list_only or complaint.field.startswith("services")
    )
    complete = "services" not in document.value or not any(c.field.startswith("services") for c in wrong)
    return _Listing(None if is_list_only else document, tuple(folders.items()), (), wrong, complete)


def _read(data: bytes, path: str) -> Document | tuple[Complaint, ...]:
    if lfs_pointer(data) is not None:
        return (Complaint(f"{path}:1:1", "", "is a Git LFS pointer; keep this file in Git itself"),)
    return read_document(data, path)


def _parse_all(listing: _Listing, files: Mapping[str, bytes], gate_check: GateCheck) -> Iterator[_Parsed | RefusedFile]:
    if listing.root is not None:
        yield _parse(listing.root, "", gate_check)
    for folder, _ in listing.folders:
        path = _spec_path(folder)
        if path not in files:
            complaint = Complaint(path, "", "is no file; keep it as a file")
            yield RefusedFile(path, folder, "", (complaint,))
            continue
        document = _read(files[path], path)
        if isinstance(document, tuple):
            yield RefusedFile(path, folder, "", document)
        else:
            yield _parse(document, folder, gate_check)


def _parse(document: Document, folder: str, gate_check: GateCheck) -> _Parsed | RefusedFile:
    spec = service_of(document, gate_check)
    complaints = spec if isinstance(spec, tuple) else ()
    if folder and "services" in document.value:
        what = f"stands in the {SPEC_NAME} at the root only; list the folder there"
        complaints = (*complaints, document.complaint(("services",), what, key=True))
    if complaints or isinstance(spec, tuple):
        return RefusedFile(document.path, folder, service_name(document), complaints)
    return _Parsed(document.path, folder, document, spec)


def _paths_by_name(items: Sequence[_Parsed | RefusedFile]) -> dict[str, list[str]]:
    taken: dict[str, list[str]] = {}
    for item in items:
        name = item.spec.service if isinstance(item, _Parsed) else item.name
        if name:
            taken.setdefault(name, []).append(item.path)
    return taken


def _twice(item: _Parsed, taken: Mapping[str, list[str]]) -> Iterator[Complaint]:
    others = [path for path in taken[item.spec.service] if path != item.path]
    if others:
        what = f'"{item.spec.service}" is also the service of {others[0]}; give one of them another name'
        yield item.document.complaint(("service",), what)


def _tree_complaints(item: _Parsed, tree: CommitTree) -> Iterator[Complaint]:
    """What the commit around a service's file makes impossible."""
    for index, path in enumerate(item.spec.include):
        place = inside(item.folder, path)
        if place is None or not tracked(place, tree.entries):
            what = f'"{clip(path)}" is not in this commit; commit it or take it out'
            yield item.document.complaint(("include", index), what)
    for name, location in named_locations(item.spec).items():
        yield from _location_complaints(item, name, location, tree)
    yield from _python_complaints(item, tree)
    own = own_entries(item.spec, item.folder, tree.entries)
    yield from _entry_complaints(own)
    yield from _collisions(own)


def _location_complaints(item: _Parsed, name: str, location: str, tree: CommitTree) -> Iterator[Complaint]:
    at: Path = tuple(name.split("."))
    place = place_of(location, item.folder)
    if place is None:
        yield item.document.complaint(at, f'"{clip(location)}" leaves the repository; write an absolute path')
    elif not tracked(place, tree.entries) and place not in tree.data_digests:
        where = "" if place.startswith("/") else " in this commit or in the watched folder"
        yield item.document.complaint(at, f'"{clip(location)}" does not exist{where}; put it there or correct the path')


def _python_complaints(item: _Parsed, tree: CommitTree) -> Iterator[Complaint]:
    try:
        python_of(item.spec, item.folder, tree)
    except UserMistake as mistake:
        what = f"{mistake.what}; {mistake.remedy}"
        if mistake.where in PYTHON_FILES:
            yield Complaint(posixpath.join(item.folder, mistake.where), "", what)
        else:
            yield item.document.complaint(("python",), what)


def _entry_complaints(entries: Sequence[Entry]) -> Iterator[Complaint]:
    for entry in entries:
        shown = f'"{clip(entry.path)}"'
        if entry.kind == "submodule":
            yield Complaint(shown, "", "is a submodule, which is not checked out; commit its files instead")
        elif entry.kind == "link" and _leads_out(entry):
            yield Complaint(
                shown, "", f'is a link to "{clip(entry.target)}", outside the repository; commit the file itself'
            )


def _leads_out(link: Entry) -> bool:
    """Whether a link's target is outside, or can be: a `..` behind a name may start from wherever that name links
    to."""
    parts = link.target.split("/")
    climbs = len(parts) - len([part for part in parts if part != ".."])
    is_plain = ".." not in parts[climbs:]
    return not is_plain or inside(posixpath.dirname(link.path), link.target) is None


def _collisions(entries: Sequence[Entry]) -> Iterator[Complaint]:
    """Names that are one name on a disk that ignores case or the spelling of accents."""
    seen: dict[str, str] = {}
    for entry in entries:
        parts = entry.path.split("/")
        for length in range(1, len(parts) + 1):
            path = "/".join(parts[:length])
            first = seen.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
            if first != path:
                what = f'is the same name as "{clip(first)}" on some machines; rename one of them'
                yield Complaint(f'"{clip(path)}"', "", what)
                break
