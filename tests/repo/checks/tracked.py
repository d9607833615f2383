"""What the repository as a whole may hold: no addresses, no machine's paths, no large files, no fat targets."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

from tests.repo.checks.source import Complaint

BYTES_MAX = 1_500_000
RECIPE_LINES_MAX = 3

# A package is named, and every machine knows its own registry; so the schemes and options stand here in pieces.
_ADDRESS = re.compile("htt" + r"ps?://|file://|--(?:extra-)?index|index" + "-url|find" + '-links|"resolved":')
_SETUP_FILES = re.compile(r"(^|/)(requirements[^/]*|[^/]*\.(lock|cfg)|package-lock\.json|\.npmrc|Makefile)$|^\.ci/")
_SETUP_TOOLS = {"tools/lock", "tools/machine", "tools/setup"}
_HOMES = re.compile(r"/(?:root|home|Users)/[A-Za-z.]")
_NOBODYS = {"/", "/home", "/mnt", "/opt", "/srv", "/tmp", "/usr", "/var"}


def addresses(root: Path, files: tuple[str, ...]) -> Iterator[Complaint]:
    """Locks, set-up and CI name packages, never where they come from."""
    for where in files:
        if _SETUP_FILES.search(where) or where in _SETUP_TOOLS:
            yield from _lines(root, where, _ADDRESS, "name the package, not where it comes from")


def foreign_locks(root: Path, files: tuple[str, ...]) -> Iterator[Complaint]:
    """The one lock is requirements.lock."""
    for where in files:
        if Path(where).name in {"pylock.toml", "uv.lock"}:
            yield Complaint(where, "is full of registry addresses; keep requirements.lock only")


def machine_paths(root: Path, files: tuple[str, ...]) -> Iterator[Complaint]:
    """No file knows whose machine it was written on."""
    here = {str(path) for path in (root, Path.home()) if len(path.parts) > 2} - _NOBODYS  # `/src` is a common word
    pattern = re.compile("|".join([_HOMES.pattern, *(re.escape(path) + "/" for path in sorted(here))]))
    for where in files:
        yield from _lines(root, where, pattern, "take the path of this machine out")


def large_files(root: Path, files: tuple[str, ...]) -> Iterator[Complaint]:
    """No file is over 1.5 MB."""
    for where in files:
        size = (root / where).stat().st_size
        if size > BYTES_MAX:
            yield Complaint(where, f"{size} bytes (at most {BYTES_MAX}); make it, or depend on a package that ships it")


def fat_targets(root: Path, files: tuple[str, ...]) -> Iterator[Complaint]:
    """A make target is at most three lines, sets up first, and calls only what exists."""
    if "Makefile" not in files:
        return
    text = (root / "Makefile").read_text(encoding="utf-8")
    for rule in re.finditer(r"^([a-z%-]+):([^=\n]*)\n((?:\t.*\n)*)", text, re.MULTILINE):
        target, needs, recipe = rule[1], rule[2].split(), rule[3].splitlines()
        if len(recipe) > RECIPE_LINES_MAX:
            yield Complaint(f"Makefile:{target}", f"{len(recipe)} lines (at most {RECIPE_LINES_MAX}); call one script")
        if target != "setup" and "setup" not in needs:
            yield Complaint(f"Makefile:{target}", "does not depend on setup, so it fails in a fresh clone")
        for module in re.findall(r"-m ((?:tools|bench)\.[a-z_.]+)(?=\s|$)", rule[3]):
            path = module.replace(".", "/")
            if not {f"{path}.py", f"{path}/__main__.py"} & set(files):
                yield Complaint(f"Makefile:{target}", f"calls {module}, which does not exist")


def unlocked(root: Path, files: tuple[str, ...]) -> Iterator[Complaint]:
    """What pyproject.toml asks for, requirements.lock gives, with hashes."""
    if not {"pyproject.toml", "requirements.lock"} <= set(files):
        return
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [*project["project"]["dependencies"]]
    for group in (project["project"].get("optional-dependencies", {}), project.get("dependency-groups", {})):
        asked += [line for lines in group.values() for line in lines]
    lock = (root / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)[^\n]*\\\n {4}--hash=sha256:", lock, re.MULTILINE)
    for line in asked:
        need = Requirement(line)
        locked = [version for name, version in pins if _same(name, need.name)]
        if not any(need.specifier.contains(version) for version in locked):
            found = " and ".join(locked) or "nothing"
            yield Complaint("requirements.lock", f"{line} is asked for, {found} is locked; run make lock")


def _same(one: str, other: str) -> bool:
    return re.sub(r"[-_.]+", "-", one).lower() == re.sub(r"[-_.]+", "-", other).lower()


def _lines(root: Path, where: str, pattern: re.Pattern[str], remedy: str) -> Iterator[Complaint]:
    try:
        text = (root / where).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if found := pattern.search(line):
            yield Complaint(f"{where}:{number}", f'"{found[0]}"; {remedy}')
