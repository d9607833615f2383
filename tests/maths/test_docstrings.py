"""The examples in the docstrings of `windlass.maths` run, and importing it stays light."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import windlass.maths

MODULES = sorted(module.name for module in pkgutil.iter_modules(windlass.maths.__path__, "windlass.maths."))


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    """Every example in a docstring gives the answer it shows."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_importing_maths_does_not_load_scipy() -> None:
    """All modules together load numpy at most: doors import them."""
    code = f"import sys, {', '.join(MODULES)}; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
