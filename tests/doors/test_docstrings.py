"""The examples in the docstrings of the command line run."""

import doctest
import importlib
import pkgutil

import pytest

import windlass.cli

MODULES = sorted(module.name for module in pkgutil.walk_packages(windlass.cli.__path__, "windlass.cli."))


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    """Every example in a docstring gives the answer it shows."""
    assert 0 == doctest.testmod(importlib.import_module(name)).failed
