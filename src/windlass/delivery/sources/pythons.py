"""Which Python a service runs on, and whether its folder declares packages of its own.

The same rules refuse a commit that is read and choose the environment when it is built. They read `.python-version`
and `pyproject.toml`, which lie beside the service's file.
"""

import re
import tomllib
from collections.abc import Container, Mapping
from typing import Any

from windlass.delivery.sources.kinds import PYTHONS
from windlass.kernel.errors import UserMistake, clip

VERSION_FILE = ".python-version"
PROJECT_FILE = "pyproject.toml"
PYTHON_FILES = (VERSION_FILE, PROJECT_FILE)
LOCK_FILES = ("uv.lock", "pylock.toml", "requirements.lock", "requirements.txt")  # the first of them decides

_VERSION = re.compile(r"(?:cpython-)?(3\.\d+)(?:\.\d+)?")


def python_version(files: Mapping[str, bytes], wanted: str, ours: str) -> str:
    """The Python minor version that a service runs on: `python:` in its file, else `.python-version`, else the first
    that `requires-python` allows, ours before the others.

    Args:
        files: those of `PYTHON_FILES` that there are, by name.
        wanted: what `python:` says, empty where it says nothing.
        ours: the minor version that runs Windlass.

    Raises:
        UserMistake: they contradict each other, cannot be read, or ask for a version out of our range.
    """
    allowed = _allowed(files.get(PROJECT_FILE))
    for where, text in (("python:", wanted), (VERSION_FILE, _first_line(files.get(VERSION_FILE, b"")))):
        if text:
            return _checked(where, text, allowed)
    for version in (ours, *reversed(PYTHONS)):
        if version in allowed:
            return version
    raise requirements_mistake(
        PROJECT_FILE, "requires-python allows none of " + ", ".join(PYTHONS), "widen requires-python"
    )


def declares_packages(names: Container[str], project: bytes | None) -> bool:
    """Whether a folder says which packages its service needs, so that it does not run in ours.

    Args:
        names: the files of the folder.
        project: its `pyproject.toml`, None where there is none.

    Raises:
        UserMistake: the project cannot be read.
    """
    if any(name in names for name in LOCK_FILES):
        return True
    table = toml_table(toml_of(project, PROJECT_FILE), "project") if project is not None else {}
    return bool(table.get("dependencies"))


def toml_of(data: bytes, name: str) -> dict[str, Any]:
    """The content of a TOML file; `name` is what a complaint calls it.

    Raises:
        UserMistake: it is not UTF-8, or no TOML.
    """
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise requirements_mistake(name, "it is not UTF-8", "save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise requirements_mistake(name, f"it is no TOML: {error}", "correct it") from error


def toml_table(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table of a TOML file; empty where it is missing or something else."""
    found = content.get(name, {})
    return found if isinstance(found, dict) else {}


def requirements_mistake(where: str, what: str, remedy: str) -> UserMistake:
    """What is wrong with the files that say what a service needs."""
    return UserMistake(what, code="requirements", where=where, remedy=remedy)


def _checked(where: str, text: str, allowed: tuple[str, ...]) -> str:
    found = _VERSION.fullmatch(text)
    if not found or found[1] not in PYTHONS:
        words = f'Python "{clip(text)}" is not supported'
        raise requirements_mistake(where, words, f"write one of {', '.join(PYTHONS)}")
    if found[1] not in allowed:
        words = f"Python {found[1]} is not what requires-python in {PROJECT_FILE} allows"
        raise requirements_mistake(where, words, "let both say the same")
    return found[1]


def _allowed(project: bytes | None) -> tuple[str, ...]:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if project is None:
        return PYTHONS
    text = str(toml_table(toml_of(project, PROJECT_FILE), "project").get("requires-python", ""))
    try:
        wanted = SpecifierSet(text)
    except InvalidSpecifier as error:
        words = f'requires-python "{clip(text)}" cannot be read'
        raise requirements_mistake(PROJECT_FILE, words, 'write for example ">=3.11"') from error
    return tuple(v for v in PYTHONS if wanted.contains(f"{v}.0") or wanted.contains(f"{v}.99"))


def _first_line(data: bytes) -> str:
    lines = data.decode(errors="replace").splitlines()
    return next((line.strip() for line in lines if line.strip() and not line.startswith("#")), "")
