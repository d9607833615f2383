"""Running the lines that a service's file gives: `train:` and `test:`.

They see a small environment that does not depend on who runs Windlass, the variables that tell them where things are,
and what `env:` adds. Values of `env:` never reach the log.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from windlass.delivery.sources.types import ServiceSpec
from windlass.engine.jobs.checkouts import BuildJob, Checkout
from windlass.engine.jobs.types import JobWork
from windlass.kernel.canonical import canonical_bytes
from windlass.kernel.digests import digest_of, hex_of
from windlass.kernel.errors import Unavailable, UserMistake, clip
from windlass.ports.environments import Environment
from windlass.ports.processes import Command, Ended, ModuleCall

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_LAST_LINES = 5
_HIDDEN_MIN = 4  # a shorter value stands in any log by chance, and hiding it would only garble the rest
_PLAIN_HIDDEN_MIN = 8


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a command of the user sees, and what its log must not show."""

    env: Mapping[str, str]
    hidden: tuple[str, ...] = ()


def surroundings(job: BuildJob, environment: Environment, declared: Mapping[str, str]) -> Surroundings:
    """The small environment of everything that runs the user's code, and what `env:` declares.

    Raises:
        UserMistake: `env:` refers to a variable or a file that is not there.
    """
    env = {
        "PATH": f"{os.path.dirname(environment.python)}:{_SYSTEM_PATH}",
        "HOME": _made(job.work, "home"),
        "TMPDIR": _made(job.work, "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",  # the log shows what happens while it happens
        "OMP_WAIT_POLICY": "PASSIVE",  # a build stands back, and threads that spin for one that waits stand still
    }
    hidden = []
    for name, value in job.ports.machine.values_of(declared).items():
        env[name] = value
        is_reference = value != declared[name]
        if len(value) >= (_HIDDEN_MIN if is_reference else _PLAIN_HIDDEN_MIN):
            hidden.append(value)
    return Surroundings(env, tuple(hidden))


def with_variables(seen: Surroundings, spec: ServiceSpec, checkout: Checkout, output: Path) -> Surroundings:
    """The surroundings with the variables that tell a training where its data, its parameters and its output are."""
    found = {
        **seen.env,
        "WINDLASS_OUTPUT": str(output),
        "WINDLASS_PARAMS": canonical_bytes(spec.params).decode(),
        "WINDLASS_SEED": str(seed_of(spec)),
    }
    for name, data in checkout.data.items():
        kind, _, entry = name.partition(".")
        if kind == "data":
            found[f"WINDLASS_DATA_{entry.upper().replace('-', '_')}"] = str(data.path)
    return replace(seen, env=found)


def seed_of(spec: ServiceSpec) -> int:
    """The seed of a service's trainings: the same for every commit, so that only what changed changes the model."""
    return int(hex_of(digest_of(spec.service.encode()))[:7], 16)


async def run_line(key: str, line: str, seen: Surroundings, folder: Path, job: BuildJob) -> Ended:
    """Run one line of the file (`key` is train or test) in a folder, to its end.

    Raises:
        UserMistake: it ended with an error of its own; the words hold its last lines.
        Unavailable: it was ended for a limit, or the disk was full.
    """
    with open(job.work.log, "a", encoding="utf-8") as log:
        log.write(f"$ {line}\n")
    ended = await job.ports.processes.run(command(("sh", "-c", line), seen, folder, job))
    check_trouble(key, ended)
    if ended.exit_code:
        raise UserMistake(_told(ended), code="command-failed", where=key, remedy=_remedy(ended))
    return ended


def command(argv: tuple[str, ...] | ModuleCall, seen: Surroundings, folder: Path, job: BuildJob) -> Command:
    """A command under the limits of the build, with its output in the build's log."""
    limits = job.work.request
    return Command(argv, str(folder), seen.env, job.work.log, limits.memory_bytes_max, limits.seconds_max, seen.hidden)


def check_trouble(key: str, ended: Ended) -> None:
    """Raise where a command was ended by something that is not its own doing.

    Raises:
        Unavailable: a limit, a full disk, a cancel or a crash of the guard.
    """
    if ended.trouble:
        code = "disk-full" if ended.trouble == "disk" else ended.trouble
        raise Unavailable(ended.words, code=code, where=key, remedy=_limit_remedy(ended))


def _made(work: JobWork, name: str) -> str:
    folder = Path(work.folder) / name
    folder.mkdir(exist_ok=True)
    return str(folder)


def _told(ended: Ended) -> str:
    last = [clip(line) for line in ended.tail.splitlines() if line.strip()][-_LAST_LINES:]
    return "\n  ".join([f"{ended.words}; its last lines:" if last else ended.words, *last])


def _remedy(ended: Ended) -> str:
    if "ModuleNotFoundError" in ended.tail:
        return "\nadd the missing package to the service's requirements, or the missing folder to include:"
    if "FileNotFoundError" in ended.tail:
        return (
            "\na build sees the files of the service's folder, of include: and of data:, and never the holdout; "
            "WINDLASS_DATA_<NAME> says where each data set lies"
        )
    return ""


def _limit_remedy(ended: Ended) -> str:
    if ended.trouble != "limit":
        return ""
    return "use less, or raise memory: in windlass.yaml" if "memory" in ended.words else "make it shorter"
