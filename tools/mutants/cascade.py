"""Which tests look for a deleted statement: those of its area first, the cheap ones before the dear ones."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tools.mutants.copies import failed_test, pytest_command, run

STEP_SECONDS_MAX = 400.0
SESSIONS = ("tests/sessions/test_sessions.py",)
SIM = (
    "tests/sim/test_promises.py",
    "tests/sim/test_slowest.py",
    "tests/sim/test_together.py",
    "tests/sim/test_power.py",
    "tests/sim/test_days.py",
    "tests/sim/test_stability.py",
)
_PLANNING = ("tests/planner", "tests/delivery/rollouts", "tests/delivery/gates/test_decide.py", "tests/facts")
_LOOP = (
    "tests/engine/test_observe.py",
    "tests/engine/test_outcomes.py",
    "tests/engine/test_commands.py",
    "tests/engine/test_collect.py",
)
_JOBS = ("tests/engine/jobs", "tests/engine/test_cancel.py")
_DOORS = ("tests/engine/test_histories.py", "tests/doors/test_looking.py", "tests/doors")
_SITE = (
    "tests/site/test_decide.py",
    "tests/site/test_acts.py",
    "tests/site/test_plans.py",
    "tests/site/test_alone.py",
    "tests/site/test_agent.py",
    "tests/site/test_socket.py",
    "tests/site/test_running.py",
)
# The first start of a path that fits says which steps a file's statements meet, one after the other.
AREAS: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    ("src/windlass/site/", (_SITE, SESSIONS, SIM, ("tests/site",))),
    ("src/windlass/planner/", (_PLANNING, SESSIONS, SIM, _LOOP, _DOORS)),
    ("src/windlass/engine/jobs/", (_JOBS, ("tests/engine",), ("tests/doors",))),
    ("src/windlass/engine/queries.py", (_DOORS, ("tests/engine",), SESSIONS)),
    ("src/windlass/engine/histories.py", (_DOORS, ("tests/engine",), SESSIONS)),
    ("src/windlass/engine/", (_LOOP, SESSIONS, SIM, ("tests/engine",), ("tests/doors",))),
)


def steps_of(root: Path, path: str) -> list[list[str]]:
    """The calls of pytest for a file, cheap ones first."""
    found = next((steps for start, steps in AREAS if path.startswith(start)), None)
    if found is None:  # a stage's `decide.py`
        stage = path.removeprefix("src/windlass/").rpartition("/")[0]
        found = ((f"tests/{stage}", "tests/planner"), SESSIONS, SIM, _LOOP)
    return [[one for one in step if (root / one).exists()] for step in found]


def caught(root: Path, folder: Path, path: str, days: int = 3) -> str:
    """What notices the change in a copy; empty where nothing does."""
    module = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    ended = run(folder, [sys.executable, "-c", f"import {module}, windlass.sim.days, windlass.main"], 60)
    if ended.code != 0:
        return f"import of {module}"
    for step in steps_of(root, path):
        ended = run(folder, pytest_command(step), STEP_SECONDS_MAX)
        if ended.code:  # a step that took too long has shown nothing: what hangs, pytest's own time-out ends
            return failed_test(ended.words)
    return _in_days(folder, days)


def _in_days(folder: Path, days: int) -> str:
    command: Sequence[str] = [sys.executable, "-m", "tools.mutants.days", str(days)]
    ended = run(folder, command, STEP_SECONDS_MAX)
    return "" if ended.code == 0 else f"a random day: {ended.words[:200]}"
