"""Python interpreters of this machine, and what is installed for them."""

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from windlass.adapters.environments.installers import installer_env, trouble_of
from windlass.adapters.environments.requirements import normal_name
from windlass.kernel.errors import UserMistake
from windlass.ports.processes import Command, Processes

OUR_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PLATFORM = f"{sys.platform}-{platform.machine()}"
_SAYS_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
_LISTS = """
import importlib.metadata, json, sys
found = [
    [one.metadata["Name"], one.version, one.read_text("direct_url.json") or "{}"]
    for one in importlib.metadata.distributions()
    if one.metadata["Name"]
]
json.dump(found, open(sys.argv[1], "w"))
"""
_NOT_LOCKED = ("pip", "setuptools", "uv", "wheel", "windlass")  # tools of installing, and ourselves


async def find(version: str, processes: Processes) -> str:
    """An interpreter of this minor version, `3.12`.

    Raises:
        UserMistake: the machine has none.
    """
    if version == OUR_PYTHON:
        return sys.executable
    for path in _candidates(version):
        ended = await processes.run(Command((path, "-I", "-c", _SAYS_VERSION), "/", installer_env(), seconds_max=30.0))
        if ended.exit_code == 0 and ended.tail.strip() == version:
            return path
    remedy = f"install Python {version} so that `python{version}` runs it, or write another version under python:"
    raise UserMistake(f"Python {version} is not on this machine", code="no-python", where="python:", remedy=remedy)


async def lock_of(python: str, target: str, processes: Processes) -> str:
    """The exact versions that an environment holds, one `name==version` a line (or `name @ URL`), sorted."""
    ended = await processes.run(Command((python, "-I", "-c", _LISTS, target), os.path.dirname(target), installer_env()))
    if ended.exit_code or ended.trouble:
        raise trouble_of(ended, "the environment's packages cannot be listed")
    lines = {
        _line(name, version, json.loads(origin)) for name, version, origin in json.loads(Path(target).read_bytes())
    }
    os.unlink(target)
    return "".join(sorted(lines))


@cache
def our_lock() -> str:
    """The exact versions that are installed for our own interpreter, without ourselves and the tools of installing."""
    import importlib.metadata

    told = [one.metadata for one in importlib.metadata.distributions()]
    # What an interrupted installation left behind has no name.
    found = ((normal_name(one["Name"]), one["Version"]) for one in told if one["Name"])
    return "".join(sorted({f"{name}=={version}\n" for name, version in found if name not in _NOT_LOCKED}))


def _line(name: str, version: str, origin: dict[str, str]) -> str:
    url = origin.get("url", "")
    return f"{normal_name(name)} @ {url}\n" if url else f"{normal_name(name)}=={version}\n"


def _candidates(version: str) -> Iterator[str]:
    for folder in os.get_exec_path():
        if found := shutil.which(f"python{version}", path=folder):
            yield found
    for managed in (".pyenv/versions", ".local/share/uv/python"):
        for path in sorted(Path.home().glob(f"{managed}/*{version}*/bin/python{version}"), reverse=True):
            yield str(path)
