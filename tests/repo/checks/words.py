"""Names and words: what a folder must hold, what no file may be called, and what may not be left lying about."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.repo.checks.source import CODE, Complaint, functions, modules

VAGUE = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
STAGE_FILES = ("__init__.py", "decide.py", "types.py")
SLEEP_SECONDS_MAX = 0.25

# Written in pieces, so that this file is not its own first finding.
_LEFTOVERS = re.compile(
    "|".join(
        [
            r"\b" + "TO" + r"DO\b",
            r"\bFIX" + r"ME\b",
            r"\bX" + r"XX\b",
            "NotImplemented" + "Error",
            r"pytest\.(?:mark\.)?(?:sk" + "ip|xf" + "ail)",
            "import" + "orsk" + r"ip\b",
            r"unittest\.sk" + "ip",
        ]
    )
)


def vague_names(root: Path) -> Iterator[Complaint]:
    """No module or folder is called by a word that could mean anything."""
    for module in modules(root, CODE):
        for part in module.name.split("."):
            if part in VAGUE:
                yield Complaint(module.where, f'"{part}" says nothing; name the module after its idea')


def unfinished_stages(root: Path) -> Iterator[Complaint]:
    """Every stage folder has the same three files."""
    for folder in sorted({path.parent for path in (root / "src/windlass/delivery").glob("[a-z]*/*.py")}):
        for name in STAGE_FILES:
            if not (folder / name).is_file():
                yield Complaint(
                    folder.relative_to(root).as_posix(), f"has no {name}; every stage has {', '.join(STAGE_FILES)}"
                )


def leftovers(root: Path) -> Iterator[Complaint]:
    """Nothing is left for later, and no test is switched off."""
    for module in modules(root, ("src", "tests")):
        for number, line in enumerate(module.text.splitlines(), 1):
            if found := _LEFTOVERS.search(line):
                yield Complaint(f"{module.where}:{number}", f'"{found[0]}"; finish it or take it out')


def silent_tests(root: Path) -> Iterator[Complaint]:
    """A test opens with its promise as a sentence."""
    for module in modules(root, ("tests",)):
        if not module.name.split(".")[-1].startswith("test_"):
            continue
        for name, node, _ in functions(module):
            if name.split(".")[-1].startswith("test_") and not ast.get_docstring(node):
                yield Complaint(module.at(node), f"{name} has no docstring; open it with what it promises")


def sleeping_tests(root: Path) -> Iterator[Complaint]:
    """A test waits for a fact with a deadline; it does not sleep."""
    for module in modules(root, ("tests",)):
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in {"time.sleep", "asyncio.sleep", "sleep"}:
                continue
            first = node.args[0] if node.args else None
            if (
                isinstance(first, ast.Constant)
                and isinstance(first.value, int | float)
                and first.value > SLEEP_SECONDS_MAX
            ):
                yield Complaint(module.at(node), f"sleeps {first.value} s; wait for a fact, with a deadline")


def undocumented(root: Path) -> Iterator[Complaint]:
    """Modules, public functions and classes say what they mean; a record or an enum may speak for itself."""
    for module in modules(root):
        if not ast.get_docstring(module.tree):
            yield Complaint(module.where, "has no module docstring; tell the idea")
        for node in module.tree.body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node) and not (isinstance(node, ast.ClassDef) and _speaks_for_itself(node)):
                yield Complaint(module.at(node), f"{node.name} has no docstring; say what it means")


def _speaks_for_itself(node: ast.ClassDef) -> bool:
    marks = " ".join(ast.unparse(mark) for mark in (*node.decorator_list, *node.bases))
    return "dataclass" in marks or "Enum" in marks or "Struct" in marks
