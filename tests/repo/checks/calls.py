"""Calls that an import contract cannot see: a clock, chance or the disk reached from where it must not be."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.repo.checks.source import Complaint, Module, imported_names, modules, spelled, thinking

_NOW = "take `now` from the snapshot"
_CHANCE = "take ids and chance from the view; draw them in the engine through ports/world"
_DISK = "take the bytes as an argument; read and write through a port"
_SAY = "return it; a door prints"

# A name that ends with a dot stands for everything below it.
PURE = {
    "datetime.datetime.now": _NOW,
    "datetime.datetime.utcnow": _NOW,
    "datetime.datetime.today": _NOW,
    "datetime.date.today": _NOW,
    "time.": _NOW,
    "uuid.": _CHANCE,
    "random.": _CHANCE,
    "secrets.": _CHANCE,
    "numpy.random.": _CHANCE,
    "hash": "sort by the value, or use a digest from kernel; `hash` differs from run to run",
    "id": "compare by value; `id` differs from run to run",
    "os.": _DISK,
    "io.open": _DISK,
    "open": _DISK,
    "pathlib.": _DISK,
    "shutil.": _DISK,
    "tempfile.": _DISK,
    "sqlite3.": _DISK,
    "subprocess.": "decide what should run; an apply step runs it through the process port",
    "print": _SAY,
    "input": "take it as an argument",
    "logging.": _SAY,
    "warnings.warn": _SAY,
}

# A generator is a function of its seed, as long as it is given one.
SEEDED = {"numpy.random.Generator", "numpy.random.PCG64", "numpy.random.Philox", "numpy.random.SeedSequence"}

# The simulator replaces the world, so everything it must be able to replay comes from ports/world.
REPLAYED = {
    "asyncio.TaskGroup": "spawn through ports/world; a TaskGroup cancels in the order of memory addresses",
    "asyncio.wait": "wait through ports/world; its result is an unordered set",
    "asyncio.to_thread": "give the work to a port; a thread leaves the simulated loop",
    "datetime.datetime.now": "ask the clock of ports/world",
    "datetime.datetime.utcnow": "ask the clock of ports/world",
    "time.time": "ask the clock of ports/world",
    "time.time_ns": "ask the clock of ports/world",
    "time.monotonic": "ask the clock of ports/world",
    "time.sleep": "wait through the clock of ports/world",
    "uuid.": "draw ids from the chance of ports/world",
    "random.": "draw from the chance of ports/world",
    "secrets.": "draw from the chance of ports/world",
    "os.urandom": "draw from the chance of ports/world",
    "print": _SAY,
}


def impure_calls(root: Path) -> Iterator[Complaint]:
    """Thinking reaches no clock, disk, network or chance."""
    for module in thinking(root):
        yield from _uses(module, PURE)


def unreplayable_calls(root: Path) -> Iterator[Complaint]:
    """Engine and site take clock, chance and concurrency from ports/world."""
    for module in modules(root):
        if module.is_below("windlass.engine", "windlass.site"):
            yield from _uses(module, REPLAYED)


def _uses(module: Module, banned: dict[str, str]) -> Iterator[Complaint]:
    names = imported_names(module)
    unseeded = {id(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call) and not node.args}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in names:
            name = node.func.id  # a builtin
        elif isinstance(node, ast.Name | ast.Attribute) and _root_name(node) in names:
            name = spelled(node, names)
        else:
            continue
        if name in SEEDED and id(node) not in unseeded:
            continue
        if remedy := _remedy(name, banned):
            yield Complaint(module.at(node), f"`{name}`: {remedy}")


def _remedy(name: str, banned: dict[str, str]) -> str | None:
    below = (banned[key] for key in banned if key.endswith(".") and name.startswith(key))
    return banned.get(name) or next(below, None)


def _root_name(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
