"""A plugin of pytest that notes how long each test takes and which statements it reaches.

    pytest -p tools.mutants.tracing --lines-to FILE

What a test starts as a process of its own is not seen.
"""

import importlib.util
import json
import time
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import coverage
import pytest

from tools.mutants.statements import sources

SHARED = "shared"  # reached while a fixture was made that several tests of the file stand on


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the lines go."""
    parser.addoption("--lines-to", type=Path, required=True)


def pytest_configure(config: pytest.Config) -> None:
    """Begin before any test is imported."""
    config.pluginmanager.register(Tracing(config.getoption("--lines-to")), "tracing")


class Tracing:
    """Seconds and lines of one run of pytest."""

    def __init__(self, path: Path) -> None:
        found = importlib.util.find_spec("windlass")
        self._code = Path(str(found and found.origin)).parents[2]  # the folder that holds `src`
        self._path = path
        self._seconds: dict[str, float] = {}
        self._test = ""  # that runs now
        traced = [str(one) for one in sources(self._code)]
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=traced)
        self._coverage.set_option("run:disable_warnings", ["no-data-collected"])
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """One test, with the fixtures that are its own."""
        self._test = item.nodeid
        self._coverage.switch_context(self._test)
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = round(time.monotonic() - began, 3)
            self._coverage.switch_context("")

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """A fixture that outlives a test is made in the first one, and reached for all."""
        if fixturedef.scope == "function":
            return (yield)
        self._coverage.switch_context(SHARED)
        try:
            return (yield)
        finally:
            self._coverage.switch_context(self._test)

    def pytest_sessionfinish(self) -> None:
        """Write down what was seen."""
        self._coverage.stop()
        data = self._coverage.get_data()
        lines = {
            str(Path(path).relative_to(self._code)): {
                line: self._tests(by) for line, by in sorted(data.contexts_by_lineno(path).items())
            }
            for path in sorted(data.measured_files())
        }
        self._path.write_text(json.dumps({"seconds": self._seconds, "lines": lines}))

    def _tests(self, contexts: Iterable[str]) -> list[int]:
        """The numbers of the tests that a line was reached for; none where it ran at import alone."""
        by = set(contexts)
        return [number for number, test in enumerate(self._seconds) if SHARED in by or test in by]
