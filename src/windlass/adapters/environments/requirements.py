"""What a service's folder says about its packages and its Python.

One file decides, in this order: `uv.lock`, `pylock.toml`, `requirements.lock`, `requirements.txt`, `pyproject.toml`. A
file of another tool is refused with what to write instead, because a build that ignored it would fail later and less
clearly.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from windlass.delivery.sources import pythons
from windlass.delivery.sources.pythons import requirements_mistake, toml_of, toml_table
from windlass.kernel.digests import digest_of
from windlass.kernel.errors import clip

_OTHER_TOOLS = {
    "poetry.lock": "run `poetry export -o requirements.txt` and commit that file",
    "Pipfile.lock": "run `pipenv requirements > requirements.txt` and commit that file",
    "Pipfile": "run `pipenv requirements > requirements.txt` and commit that file",
    "environment.yml": "commit a requirements.txt with the packages from PyPI",
    "conda.yaml": "commit a requirements.txt with the packages from PyPI",
}
_INCLUDES = re.compile(r"(?:-r|-c|--requirement|--constraint)(?:\s+|=|(?=\S))(\S+)")
_LOCAL = re.compile(r"(?:\.|/|file:)|.*@\s*file:", re.IGNORECASE)
_EDITABLE = re.compile(r"(?:-e|--editable)\b")


@dataclass(frozen=True, slots=True)
class Declared:
    """What was found. `text` is a requirements file (empty: nothing is required), `files` each file it came from with
    its digest, `name` the one that decides. A `uv` lock is handed to uv as it is."""

    name: str = ""
    text: str = ""
    files: tuple[tuple[str, str], ...] = ()

    @property
    def is_hashed(self) -> bool:
        """Whether each requirement names the bytes that may be installed."""
        return "--hash=" in self.text


def declared(folder: str) -> Declared:
    """The packages that a service's folder declares.

    Raises:
        UserMistake: the file is of another tool, cannot be read, or names what will be gone after the build.
    """
    root = Path(folder)
    if (root / "uv.lock").is_file():
        if not (root / "pyproject.toml").is_file():
            raise requirements_mistake(
                "uv.lock", "there is no pyproject.toml beside it", "commit the pyproject.toml it was made from"
            )
        return Declared("uv.lock", "", _digests(root, ["uv.lock", "pyproject.toml"]))
    if (root / "pylock.toml").is_file():
        return Declared("pylock.toml", _of_pylock(_toml(root, "pylock.toml")), _digests(root, ["pylock.toml"]))
    for name in ("requirements.lock", "requirements.txt"):
        if (root / name).is_file():
            seen: list[str] = []
            _read_lines(root, name, seen)
            return Declared(name, _text(root, name), _digests(root, seen))
    return _of_pyproject(root)


def python_version(folder: str, wanted: str, ours: str) -> str:
    """The Python minor version that a service's folder asks for; see `sources/pythons.py: python_version`.

    Raises:
        UserMistake: what the folder says cannot be met.
    """
    found = {name: Path(folder, name) for name in pythons.PYTHON_FILES}
    files = {name: path.read_bytes() for name, path in found.items() if path.is_file()}
    return pythons.python_version(files, wanted, ours)


def normal_name(name: str) -> str:
    """A distribution's name as it is compared: `Scikit_Learn` is `scikit-learn`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _of_pyproject(root: Path) -> Declared:
    for name, remedy in _OTHER_TOOLS.items():
        if (root / name).exists():
            raise requirements_mistake(name, "requirements of this kind are not read yet", remedy)
    if not (root / "pyproject.toml").is_file():
        return Declared()
    content = _toml(root, "pyproject.toml")
    project = toml_table(content, "project")
    if "poetry" in toml_table(content, "tool") and "dependencies" not in project:
        raise requirements_mistake("pyproject.toml", "tool.poetry is not read yet", _OTHER_TOOLS["poetry.lock"])
    if "dependencies" in project.get("dynamic", ()):
        remedy = "write project.dependencies out, or commit a requirements.txt"
        raise requirements_mistake("pyproject.toml", "its dependencies are dynamic", remedy)
    lines = [str(line) for line in project.get("dependencies", ())]
    for line in lines:
        _check_line("pyproject.toml", line)
    files = _digests(root, ["pyproject.toml"]) if lines else ()
    return Declared("pyproject.toml" if lines else "", "".join(f"{line}\n" for line in lines), files)


def _of_pylock(content: dict[str, Any]) -> str:
    """The requirements that a lock after PEP 751 stands for, each with its hashes."""
    lines = []
    for package in content.get("packages", ()):
        files = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
        if "version" not in package or not files:
            words = f'"{clip(str(package.get("name")))}" is locked to no version with files'
            raise requirements_mistake("pylock.toml", words, "lock packages of an index only")
        marker = f" ; {package['marker']}" if "marker" in package else ""
        hashes = "".join(f" --hash=sha256:{file['hashes']['sha256']}" for file in files)
        lines.append(f"{package['name']}=={package['version']}{marker}{hashes}\n")
    return "".join(lines)


def _read_lines(root: Path, name: str, seen: list[str]) -> None:
    """Check a requirements file and those that it includes."""
    if name in seen:
        return
    seen.append(name)
    for line in _text(root, name).splitlines():
        line = line.split(" #")[0].strip()
        _check_line(name, line)
        if found := _INCLUDES.match(line):
            included = Path(name).parent / found[1]
            if not (root / included).resolve().is_relative_to(root.resolve()) or not (root / included).is_file():
                words = f'"{clip(found[1])}" is not in the service\'s folder'
                raise requirements_mistake(name, words, "keep included requirements in the folder")
            _read_lines(root, included.as_posix(), seen)


def _check_line(name: str, line: str) -> None:
    if _EDITABLE.match(line) or _LOCAL.match(line):
        words = f'"{clip(line)}" points to a folder, which an environment outlives'
        raise requirements_mistake(name, words, "import the code from the service's folder, or publish the package")


def _text(root: Path, name: str) -> str:
    try:
        return (root / name).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise requirements_mistake(name, "it is not UTF-8", "save it as UTF-8") from error


def _toml(root: Path, name: str) -> dict[str, Any]:
    return toml_of((root / name).read_bytes(), name)


def _digests(root: Path, names: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, digest_of((root / name).read_bytes())) for name in names)
