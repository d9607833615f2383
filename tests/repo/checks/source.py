"""The repository's own code, parsed once, and what a check says about it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

THINKING = ("kernel", "maths", "facts", "delivery", "planner")
CODE = ("src", "tests", "tools", "bench")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong; `size` is the measured number where the check is about a number."""

    where: str
    message: str
    size: int = 0

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file: `where` is its path from the repository's root."""

    where: str
    name: str
    is_package: bool
    text: str
    tree: ast.Module

    def is_below(self, *packages: str) -> bool:
        """Say whether this module belongs to one of these packages, such as `windlass.engine`."""
        return any(self.name == package or self.name.startswith(package + ".") for package in packages)

    def at(self, node: ast.expr | ast.stmt) -> str:
        return f"{self.where}:{node.lineno}"


def modules(root: Path, folders: tuple[str, ...] = ("src",)) -> tuple[Module, ...]:
    """Every Python file below these folders, in a fixed order."""
    return tuple(module for folder in folders for module in _below(root, folder))


@cache
def _below(root: Path, folder: str) -> tuple[Module, ...]:
    found = []
    for path in sorted((root / folder).rglob("*.py")):
        parts = path.relative_to(root / folder if folder == "src" else root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        text = path.read_text(encoding="utf-8")
        where = path.relative_to(root).as_posix()
        found.append(Module(where, name, is_package, text, ast.parse(text, filename=where)))
    return tuple(found)


def thinking(root: Path) -> Iterator[Module]:
    """The modules that must be pure."""
    packages = [f"windlass.{package}" for package in THINKING]
    return (module for module in modules(root) if module.is_below(*packages))


@cache
def imports(module: Module) -> tuple[tuple[ast.stmt, str, str], ...]:
    """Each import as (statement, absolute module, name taken from it or "")."""
    return tuple(_imports(module))


def _imports(module: Module) -> Iterator[tuple[ast.stmt, str, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, _absolute(module, node), alias.name


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    package = parts if module.is_package else parts[:-1]
    base = package[: len(package) - (node.level - 1)]
    return ".".join([*base, *([node.module] if node.module else [])])


def spelled(node: ast.expr, names: dict[str, str]) -> str:
    """The full dotted name of an expression, with imported names resolved: `dt.now` is `datetime.datetime.now`."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        base = spelled(node.value, names)
        return f"{base}.{node.attr}" if base else ""
    return ""


def imported_names(module: Module) -> dict[str, str]:
    """What each imported name stands for, wherever in the file it is imported."""
    names: dict[str, str] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{_absolute(module, node)}.{alias.name}"
    return names


@cache
def functions(module: Module) -> tuple[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, bool], ...]:
    """Each function as (dotted name inside the file, node, whether its first parameter is self or cls)."""

    def walk(
        body: ast.AST, prefix: str, in_class: bool
    ) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
        for node in ast.iter_child_nodes(body):
            if isinstance(node, ast.ClassDef):
                yield from walk(node, f"{prefix}{node.name}.", True)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                is_static = any(
                    isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in node.decorator_list
                )
                yield f"{prefix}{node.name}", node, in_class and not is_static
                yield from walk(node, f"{prefix}{node.name}.", False)
            else:
                yield from walk(node, prefix, in_class)

    return tuple(walk(module.tree, "", False))
