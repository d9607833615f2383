"""Sizes: a file, a function or a list of parameters that everybody has to edit is where trouble begins."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.repo.checks.source import CODE, Complaint, functions, modules

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 5
PORT_VERBS_MAX = 6


def long_files(root: Path) -> Iterator[Complaint]:
    """A file has at most 400 lines."""
    for module in modules(root, CODE):
        lines = len(module.text.splitlines())
        if lines > FILE_LINES_MAX:
            yield Complaint(module.where, f"{lines} lines (at most {FILE_LINES_MAX}); split it by idea", lines)


def long_functions(root: Path) -> Iterator[Complaint]:
    """A function has at most 60 lines, docstring included."""
    for module in modules(root, CODE):
        for name, node, _ in functions(module):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                message = f"{lines} lines (at most {FUNCTION_LINES_MAX}); branches in the parent, loops in the children"
                yield Complaint(f"{module.where}:{name}", message, lines)


def many_parameters(root: Path) -> Iterator[Complaint]:
    """A function takes at most 5 parameters, self not counted."""
    for module in modules(root, CODE):
        for name, node, has_self in functions(module):
            given = node.args
            count = len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs) - has_self
            count += (given.vararg is not None) + (given.kwarg is not None)
            if count > PARAMETERS_MAX:
                message = f"{count} parameters (at most {PARAMETERS_MAX}); give what belongs together a name"
                yield Complaint(f"{module.where}:{name}", message, count)


def wide_ports(root: Path) -> Iterator[Complaint]:
    """A port has at most 6 verbs."""
    for module in modules(root):
        if not module.is_below("windlass.ports"):
            continue
        for node in module.tree.body:
            if not isinstance(node, ast.ClassDef) or "Protocol" not in {
                ast.unparse(base).split("[")[0] for base in node.bases
            }:
                continue
            verbs = [verb.name for verb in node.body if isinstance(verb, ast.FunctionDef | ast.AsyncFunctionDef)]
            if len(verbs) > PORT_VERBS_MAX:
                message = f"{len(verbs)} verbs (at most {PORT_VERBS_MAX}); an optional power is a protocol of its own"
                yield Complaint(f"{module.where}:{node.name}", message, len(verbs))
