"""The folder that lies behind a user's packages, so that our model server runs on any Python with any requirements.

It holds the part of our package that serves and what that imports, in the versions that run here. For our own Python
minor version these are taken from the installed packages, without a network; for another one they are installed for it.
"""

import importlib.metadata
import os
import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import windlass
from windlass.adapters.environments.requirements import normal_name
from windlass.kernel.digests import digest_of_value, hex_of
from windlass.kernel.errors import UserMistake

OUR_PARTS = ("kernel", "maths", "facts", "delivery", "serving")
_NEEDED = ("blake3", "click", "h11", "msgspec", "numpy", "uvicorn")
_FASTER = ("httptools", "uvloop")
_STATED = ("blake3", "msgspec", "uvicorn")  # what the model server calls itself; the others serve these
_NAME_HEX = 16


@cache
def overlay_versions() -> dict[str, str]:
    """The distributions of the overlay with the versions that are installed here."""
    found = {}
    for name in (*_NEEDED, *_FASTER):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name in _NEEDED:
                remedy = "install windlass[local]"
                raise UserMistake(f"the package {name} is missing", code="not-installed", remedy=remedy) from None
    return found


def overlay_name(python_version: str) -> str:
    """The folder's name: it changes with our sources and with what they need."""
    root = Path(windlass.__file__).parent
    files = [path for part in OUR_PARTS for path in sorted((root / part).rglob("*.py"))]
    sources = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in files}
    return f"{python_version}-{hex_of(digest_of_value([sources, overlay_versions()]))[:_NAME_HEX]}"


def copy_ourselves(target: Path) -> None:
    """Copy our own package, the part that serves."""
    root = Path(windlass.__file__).parent
    (target / "windlass").mkdir(parents=True)
    shutil.copy2(root / "__init__.py", target / "windlass/__init__.py")
    for part in OUR_PARTS:
        shutil.copytree(root / part, target / "windlass" / part, ignore=shutil.ignore_patterns("__pycache__"))


def copy_installed(target: Path, names: Iterable[str]) -> None:
    """Take distributions over from our own environment.

    Files are linked where the disk allows it: installers replace a package's files, they never write into them.
    """
    for name in names:
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files or ():
            relative = file.as_posix()
            if relative.startswith("../") or "__pycache__" in file.parts:
                continue  # scripts and caches belong to our own interpreter
            place = target / relative
            place.parent.mkdir(parents=True, exist_ok=True)
            _link(str(distribution.locate_file(file)), place)


def check_versions(lock: str) -> None:
    """Refuse a user's own version of a package with which the model server cannot work.

    Raises:
        UserMistake: it names the user's line and ours.
    """
    from packaging.requirements import Requirement

    ours = {}
    for line in importlib.metadata.requires("windlass") or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": "local"}):
            ours[normal_name(requirement.name)] = requirement
    for line in lock.splitlines():
        name, _, version = line.partition("==")
        required = ours.get(name) if name in _STATED else None
        if version and required and not required.specifier.contains(version, prereleases=True):
            what = f"the requirements lead to {line}, and the model server needs {required.name}{required.specifier}"
            remedy = f"allow such a version of {name}, or take it out"
            raise UserMistake(what, code="requirements", remedy=remedy)


def _link(source: str, place: Path) -> None:
    if place.exists():
        return
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)
