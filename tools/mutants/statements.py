"""The single statements of the code that may be deleted, and a file's text without one of them.

Left out is what no behaviour follows from: docstrings, imports, lines for the type checker, and lines that only tell
the log.
"""

import ast
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

IF_LINES_MAX = 8  # a longer block is no single statement
FOLDERS = ("engine", "site", "planner")
_SIMPLE = (
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Expr,
    ast.Return,
    ast.Raise,
    ast.Continue,
    ast.Break,
    ast.Delete,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: the file from the root of the repository, its lines, its first line's text, and whether it runs
    when its file is imported: in whichever test that happens to be."""

    path: str
    first: int
    last: int
    text: str
    at_import: bool = False

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.path}:{self.first}"


def sources(root: Path) -> list[Path]:
    """The files whose statements count: engine, site, planner and every `decide.py`."""
    code = root / "src/windlass"
    found = {path for folder in FOLDERS for path in (code / folder).rglob("*.py")}
    return sorted(found | set(code.rglob("decide.py")))


def drawn(root: Path, count: int, seed: str) -> list[Statement]:
    """So many statements, drawn by a seed, in the order of the draw; fewer are the first of more."""
    everything = [statement for path in sources(root) for statement in statements(root, path)]
    return random.Random(seed).sample(everything, len(everything))[:count]


def statements(root: Path, path: Path) -> Iterator[Statement]:
    """The statements of one file that may be deleted."""
    text = path.read_text()
    lines = text.splitlines()
    name = str(path.relative_to(root))
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for node in _nodes(tree.body):
        last = node.end_lineno or node.lineno
        at_import = not any(one.lineno < node.lineno <= (one.end_lineno or 0) for one in functions)
        yield Statement(name, node.lineno, last, lines[node.lineno - 1].strip(), at_import)


def without(text: str, statement: Statement) -> str:
    """The text with `pass` in a statement's place; the lines below keep their numbers."""
    lines = text.splitlines(keepends=True)
    first = lines[statement.first - 1]
    indent = first[: len(first) - len(first.lstrip())]
    blank = ["\n"] * (statement.last - statement.first)
    return "".join([*lines[: statement.first - 1], f"{indent}pass\n", *blank, *lines[statement.last :]])


def _nodes(body: Iterable[ast.stmt], *, in_class: bool = False) -> Iterator[ast.stmt]:
    for node in body:
        if _counts(node, in_class=in_class):
            yield node
        if isinstance(node, ast.If) and _is_for_types(node):
            continue
        is_class = isinstance(node, ast.ClassDef)
        for field in ("body", "orelse", "finalbody"):
            inner = getattr(node, field, [])
            is_elif = field == "orelse" and len(inner) == 1 and isinstance(inner[0], ast.If)
            for one in _nodes(inner, in_class=is_class):
                if not (is_elif and one is inner[0]):  # an `elif` is a part of its `if`
                    yield one
        for handler in getattr(node, "handlers", []) + getattr(node, "cases", []):
            yield from _nodes(handler.body)


def _counts(node: ast.stmt, *, in_class: bool) -> bool:
    if isinstance(node, ast.If):
        return (node.end_lineno or 0) - node.lineno < IF_LINES_MAX and not _is_for_types(node)
    if not isinstance(node, _SIMPLE):
        return False
    if isinstance(node, ast.AnnAssign):
        return node.value is not None and not in_class  # a field without a value, or with one, is a type's line
    if isinstance(node, ast.Assign):
        return not _is_type_line(node)
    return not (isinstance(node, ast.Expr) and _says_nothing(node.value))


def _is_for_types(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _is_type_line(node: ast.Assign) -> bool:
    """`__all__`, type variables, type aliases and loggers."""
    names = {target.id for target in node.targets if isinstance(target, ast.Name)}
    value = ast.unparse(node.value)
    return (
        "__all__" in names
        or value.startswith(("TypeVar(", "NewType(", "logging."))
        or (value.endswith("]") and value.startswith(("tuple[", "dict[", "Callable[")))
    )


def _says_nothing(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return True
    return isinstance(value, ast.Call) and ast.unparse(value.func).startswith("log.")
