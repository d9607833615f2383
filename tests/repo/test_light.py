"""What a door loads before it knows what is wanted of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.checks.source import modules

ROOT = Path(__file__).parents[2]

HEAVY = {
    "blake3",
    "cryptography",
    "envoy",
    "fastapi",
    "httpx2",
    "obstore",
    "onnxruntime",
    "pyarrow",
    "pydantic",
    "pygit2",
    "scipy",
    "sklearn",
    "skops",
    "sqlalchemy",
    "starlette",
}

_HELP = """
from windlass.main import run
sys.argv = ["windlass", "--help"]
try:
    run()
except SystemExit as ended:
    assert not ended.code
"""


def loaded(program: str) -> set[str]:
    """The top-level packages in memory after the program has run in a fresh interpreter."""
    last = "print('\\n' + ' '.join({name.split('.')[0] for name in sys.modules}))"
    command = [sys.executable, "-c", f"import sys\n{program}\n{last}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy() -> None:
    """`windlass --help` loads neither a database, nor a server, nor anything numeric."""
    assert set() == loaded(_HELP) & (HEAVY | {"numpy", "uvicorn"})


@pytest.mark.parametrize("package", ["windlass.sdk", "windlass.serving"])
def test_what_runs_beside_a_model_is_light(package: str) -> None:
    """Every module of the SDK and the model server can be imported where a user's versions of heavy libraries win."""
    names = [module.name for module in modules(ROOT) if module.is_below(package)]
    assert set() == loaded("\n".join(f"import {name}" for name in names if not name.endswith("__main__"))) & HEAVY


def test_what_is_loaded_is_seen() -> None:
    """A program that loads a heavy package is found out."""
    assert {"yaml"} == loaded("import yaml") & {"yaml", "sqlalchemy"}
