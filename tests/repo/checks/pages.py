"""The manual: every link, path and make target that a page names is there."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.repo.checks.source import Complaint

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:src|tests|tools|bench|docs|examples|changes)/[\w./-]+)`")
_TARGET = re.compile(r"(?:^ *|`)make ([a-z][a-z-]*)", re.MULTILINE)
_NOTE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\.md")


def broken_links(root: Path, files: tuple[str, ...]) -> Iterator[Complaint]:
    """A link inside the repository leads to a file, and to a heading of it."""
    for where, text in _pages(root, files):
        for link in _LINK.findall(_FENCE.sub("", text)):
            target, _, heading = link.partition("#")
            if ":" in target:
                continue
            path = (root / where).parent / target if target else root / where
            if not path.exists():
                yield Complaint(where, f"links to {link}, which does not exist")
            elif heading and path.suffix == ".md" and heading not in _headings(path.read_text(encoding="utf-8")):
                yield Complaint(where, f"links to {link}, which has no such heading")


def missing_paths(root: Path, files: tuple[str, ...]) -> Iterator[Complaint]:
    """A path that a page names exists."""
    for where, text in _pages(root, files):
        for path in _PATH.findall(_FENCE.sub("", text)):
            if not (root / path).exists():
                yield Complaint(where, f"names `{path}`, which does not exist")


def missing_targets(root: Path, files: tuple[str, ...]) -> Iterator[Complaint]:
    """A make target that a page names exists."""
    if "Makefile" not in files:
        return
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for where, text in _pages(root, files):
        for target in _TARGET.findall(text):
            is_bench = target.startswith("bench-") and "bench-%" in makefile
            if target not in targets and not is_bench:
                yield Complaint(where, f"names `make {target}`, which the Makefile does not have")


def wordy_notes(root: Path, files: tuple[str, ...]) -> Iterator[Complaint]:
    """A note in changes/ is one paragraph about one change, in a file named by a slug."""
    for where in files:
        if not where.startswith("changes/") or where == "changes/README.md":
            continue
        text = (root / where).read_text(encoding="utf-8").strip()
        if not _NOTE.fullmatch(Path(where).name):
            yield Complaint(where, "name it like canary-goes-back.md")
        if not text or "\n\n" in text or re.search(r"\balso\b", text, re.IGNORECASE):
            yield Complaint(where, 'write one paragraph; what needs "also" is two changes')


def _pages(root: Path, files: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for where in files:
        if where.endswith(".md") and not where.startswith("tests/"):
            yield where, (root / where).read_text(encoding="utf-8")


def _headings(text: str) -> set[str]:
    titles = re.findall(r"^#+ +(.+?) *$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
