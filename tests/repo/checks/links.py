"""Who imports whom, as far as import-linter cannot say it."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.repo.checks.source import Complaint, Module, imports, modules

# One vendor library, its folders. A library without a line here has no place yet.
ANYWHERE: tuple[str, ...] = ("windlass",)
VENDORS: dict[str, tuple[str, ...]] = {
    "blake3": ("windlass.adapters", "windlass.kernel", "windlass.serving"),
    "click": ("windlass.cli",),
    "cryptography": ("windlass.adapters.keys",),
    "envoy": ("windlass.adapters.traffic",),
    "fastapi": ("windlass.api",),
    "httpx2": ("windlass.adapters", "windlass.sdk"),
    "hypothesis": ("windlass.testing",),
    "msgspec": ("windlass.serving",),
    "numpy": ANYWHERE,
    "packaging": ("windlass.adapters.environments", "windlass.delivery.sources"),
    "pandas": ("windlass.serving",),
    "pyarrow": ("windlass.adapters.tables", "windlass.serving"),
    "obstore": ("windlass.adapters.artifacts",),
    "onnxruntime": ("windlass.serving",),
    "pygit2": ("windlass.adapters.git",),
    "pydantic": ("windlass.api", "windlass.delivery.sources"),
    "pydantic_core": ("windlass.delivery.sources",),
    "pytest": ("windlass.testing",),
    "rich": ("windlass.cli",),
    "scipy": ("windlass.maths",),
    "skops": ("windlass.serving",),
    "sqlalchemy": ("windlass.adapters.store",),
    "starlette": ("windlass.api", "windlass.serving"),
    "uvicorn": ("windlass.api", "windlass.serving", "windlass.site"),
    "yaml": ("windlass.delivery.sources",),
}


def stray_vendors(root: Path) -> Iterator[Complaint]:
    """A vendor library is imported in its own folder only."""
    for module in modules(root):
        for node, target, _ in imports(module):
            library = target.split(".")[0]
            if library in sys.stdlib_module_names or library == "windlass":
                continue
            folders = VENDORS.get(library)
            if folders is None:
                yield Complaint(module.at(node), f"{library} has no place; give it one folder in VENDORS of {__name__}")
            elif not module.is_below(*folders):
                yield Complaint(
                    module.at(node), f"{library} is imported in {' and '.join(folders)} only; call that instead"
                )


def deep_stage_imports(root: Path) -> Iterator[Complaint]:
    """Of another stage only `types` is imported."""
    for module in modules(root):
        if not module.is_below("windlass.delivery"):
            continue
        own = module.name.split(".")[2:3]
        for node, target, name in imports(module):
            parts = [*target.split("."), name] if name else target.split(".")
            if parts[:2] != ["windlass", "delivery"] or parts[2:3] == own or len(parts) < 3:
                continue
            if parts[3:4] != ["types"]:
                where = ".".join(parts[:3])
                yield Complaint(
                    module.at(node), f"import from {where}.types only; what {where} decides is read as a fact"
                )


PUBLIC = ("windlass.testing", "windlass.sdk", "windlass.sim", "windlass.adapters.simulated")  # kits for tests
STARTED_BY_PATH = ("windlass.serving.bootstrap",)  # it runs before our packages can be found


def unused_modules(root: Path) -> Iterator[Complaint]:
    """Nothing lies in the product that nothing uses."""
    used = _entry_points(root) | set(STARTED_BY_PATH)
    for module in modules(root):
        used |= _mentions(module)
    for module in modules(root, ("tests", "tools", "bench")):
        used |= {name for name in _mentions(module) if name.startswith(PUBLIC)}
    for module in modules(root):
        if module.name not in used and not module.is_package and not module.name.endswith(".__main__"):
            yield Complaint(module.where, "nothing imports it; wire it or take it out")


def _entry_points(root: Path) -> set[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {target.split(":")[0] for target in project.get("scripts", {}).values()}


def _mentions(module: Module) -> set[str]:
    """Modules that this one imports, or names in a string to import lazily or to start as a process."""
    found = set()
    for _, target, name in imports(module):
        found |= {target, f"{target}.{name}"}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("windlass."):
            found.add(node.value.split(":")[0])
    return found - {module.name}
