"""What the repository holds and must not hold, each rule with a small file that breaks it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.repo.checks import pages, tracked
from tests.repo.checks.source import Complaint

ROOT = Path(__file__).parents[2]

Check = Callable[[Path, tuple[str, ...]], Iterator[Complaint]]


@dataclass(frozen=True, slots=True)
class Bad:
    """Files that break a rule, and the place that the check must name."""

    check: Check
    files: dict[str, str]
    where: str


_SCHEME = "htt" + "ps://"
_PROJECT = '[project]\ndependencies = ["Some_Thing>=2"]\n'
_LOCK = "some-thing==1.9 \\\n    --hash=sha256:00\n"

BAD = [
    Bad(tracked.addresses, {"requirements.lock": f"a==1\n# {_SCHEME}x/simple\n"}, "requirements.lock:2"),
    Bad(tracked.addresses, {".ci/run": f"pip install --index{'-url'} x\n"}, ".ci/run:1"),
    Bad(tracked.addresses, {"tools/setup": f"curl {_SCHEME}x\n"}, "tools/setup:1"),
    Bad(tracked.foreign_locks, {"examples/x/uv.lock": ""}, "examples/x/uv.lock"),
    Bad(tracked.machine_paths, {"docs/x.md": "see /hom" + "e/ann/x\n"}, "docs/x.md:1"),
    Bad(tracked.large_files, {"x.csv": "x" * 1_500_001}, "x.csv"),
    Bad(tracked.fat_targets, {"Makefile": "x: setup\n\ta\n\tb\n\tc\n\td\n"}, "Makefile:x"),
    Bad(tracked.fat_targets, {"Makefile": "setup:\n\ta\nx:\n\ta\n"}, "Makefile:x"),
    Bad(tracked.fat_targets, {"Makefile": "x: setup\n\tpython -m tools.gone\n"}, "Makefile:x"),
    Bad(tracked.unlocked, {"pyproject.toml": _PROJECT, "requirements.lock": _LOCK}, "requirements.lock"),
    Bad(tracked.unlocked, {"pyproject.toml": _PROJECT, "requirements.lock": "some-thing==2\n"}, "requirements.lock"),
    Bad(pages.broken_links, {"docs/x.md": "# A b\n[a](x.md#a-b) [b](y.md)\n"}, "docs/x.md"),
    Bad(pages.broken_links, {"docs/x.md": "# A b\n[a](#a-b) [b](#c)\n"}, "docs/x.md"),
    Bad(pages.missing_paths, {"x.md": "see `x.md`, `src/gone.py`\n"}, "x.md"),
    Bad(pages.missing_targets, {"Makefile": "a:\nbench-%:\n", "x.md": "`make a` or make b\n    make c\n"}, "x.md"),
    Bad(pages.wordy_notes, {"changes/a-b.md": "It goes back. It also says why.\n"}, "changes/a-b.md"),
    Bad(pages.wordy_notes, {"changes/A_b.md": "It goes back.\n"}, "changes/A_b.md"),
]
CHECKS = list(dict.fromkeys(bad.check for bad in BAD))


MADE = {".git", ".venv", ".hypothesis", ".mypy_cache", ".ruff_cache", "__pycache__", "build"}


@cache
def files() -> tuple[str, ...]:
    """What Git tracks, and what it would track if all were added."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    names = set(listed.stdout.split("\0")) if listed.returncode == 0 else _walked()
    return tuple(sorted(where for where in names if where and (ROOT / where).is_file()))


def _walked() -> set[str]:
    """The files of a tree that came without its history."""
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
    return {str(path) for path in paths if not MADE & set(path.parts)}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_repository_is_clean(check: Check) -> None:
    """Every rule holds for every file that Git tracks."""
    complaints = [str(found) for found in check(ROOT, files())]
    assert not complaints, "\n" + "\n".join(complaints)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.check.__name__} in {', '.join(bad.files)}")
def test_each_rule_finds_what_breaks_it(bad: Bad, tmp_path: Path) -> None:
    """A rule names the one place that breaks it, and nothing else."""
    for where, text in bad.files.items():
        (tmp_path / where).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / where).write_text(text, encoding="utf-8")
    assert [bad.where] == [found.where for found in bad.check(tmp_path, tuple(bad.files))]


def test_what_a_newcomer_needs_is_there() -> None:
    """The licence is whole, and CI and setup can be run."""
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")[:200]
    assert all(os.access(ROOT / tool, os.X_OK) for tool in (".ci/run", "tools/setup", "tools/lock", "tools/machine"))
