"""The rules that hold everywhere in the code, each with a small file that breaks it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.repo.checks import calls, links, sizes, words
from tests.repo.checks.source import Complaint

ROOT = Path(__file__).parents[2]

# What was longer than allowed when the rule came, with its number. It may only shrink.
RATCHET: dict[str, int] = {}

Check = Callable[[Path], Iterator[Complaint]]


@dataclass(frozen=True, slots=True)
class Bad:
    """A file that breaks a rule, and the place that the check must name."""

    check: Check
    path: str
    text: str
    where: str


_SIX = """
def f(a, b, *, c, d, **e): ...
class C:
    def m(self, a, b, c, d, e): ...
    def n(self, a, b, c, d, *e, f): ...
"""
_SEVEN_VERBS = "class P(Protocol):\n" + "".join(f"    def v{i}(self): ...\n" for i in range(7))
_MARK = "pytest.mark." + "skip"

BAD = [
    Bad(sizes.long_files, "tests/x.py", "\n" * 401, "tests/x.py"),
    Bad(
        sizes.long_functions,
        "src/windlass/x.py",
        "class C:\n    async def f():\n" + "        1\n" * 60,
        "src/windlass/x.py:C.f",
    ),
    Bad(sizes.many_parameters, "src/windlass/x.py", _SIX, "src/windlass/x.py:C.n"),
    Bad(sizes.wide_ports, "src/windlass/ports/x.py", _SEVEN_VERBS, "src/windlass/ports/x.py:P"),
    Bad(words.vague_names, "src/windlass/utils/x.py", "", "src/windlass/utils/x.py"),
    Bad(words.unfinished_stages, "src/windlass/delivery/gates/types.py", "", "src/windlass/delivery/gates"),
    Bad(words.leftovers, "src/windlass/x.py", "a = 1  # TO" + "DO later\n", "src/windlass/x.py:1"),
    Bad(words.leftovers, "tests/test_x.py", f"@{_MARK}\ndef test(): ...\n", "tests/test_x.py:1"),
    Bad(words.silent_tests, "tests/test_x.py", "class TestX:\n    def test_y(self): ...\n", "tests/test_x.py:2"),
    Bad(words.sleeping_tests, "tests/x.py", "import time\ntime.sleep(2)\n", "tests/x.py:2"),
    Bad(words.undocumented, "src/windlass/x.py", '"""X."""\ndef _f(): ...\nclass C: ...\n', "src/windlass/x.py:3"),
    Bad(
        calls.impure_calls,
        "src/windlass/maths/x.py",
        "import datetime as d\nd.datetime.now()\n",
        "src/windlass/maths/x.py:2",
    ),
    Bad(
        calls.impure_calls, "src/windlass/facts/x.py", "from uuid import uuid4\nuuid4()\n", "src/windlass/facts/x.py:2"
    ),
    Bad(calls.impure_calls, "src/windlass/kernel/x.py", "id = 1\nid\nopen(id)\n", "src/windlass/kernel/x.py:3"),
    Bad(
        calls.impure_calls,
        "src/windlass/kernel/x.py",
        "import numpy as np\nnp.random.rand()\n",
        "src/windlass/kernel/x.py:2",
    ),
    Bad(
        calls.impure_calls,
        "src/windlass/maths/x.py",
        "import numpy as np\nnp.random.PCG64(7)\nnp.random.PCG64()\n",
        "src/windlass/maths/x.py:3",
    ),
    Bad(
        calls.unreplayable_calls,
        "src/windlass/site/x.py",
        "import asyncio\nasyncio.to_thread\n",
        "src/windlass/site/x.py:2",
    ),
    Bad(
        calls.unreplayable_calls,
        "src/windlass/engine/x.py",
        "from time import time\ntime()\n",
        "src/windlass/engine/x.py:2",
    ),
    Bad(links.stray_vendors, "src/windlass/engine/x.py", "import os\nimport pygit2\n", "src/windlass/engine/x.py:2"),
    Bad(
        links.stray_vendors, "src/windlass/engine/x.py", "def f():\n    import polars.x\n", "src/windlass/engine/x.py:2"
    ),
    Bad(
        links.deep_stage_imports,
        "src/windlass/delivery/gates/x.py",
        "from ..builds.types import A\nfrom .ledger import B\nfrom windlass.delivery import builds\n",
        "src/windlass/delivery/gates/x.py:3",
    ),
    Bad(
        links.deep_stage_imports,
        "src/windlass/delivery/gates/x.py",
        "from ..builds.decide import decide\n",
        "src/windlass/delivery/gates/x.py:1",
    ),
    Bad(links.unused_modules, "src/windlass/x.py", "import windlass.x\n", "src/windlass/x.py"),
]
CHECKS = list(dict.fromkeys(bad.check for bad in BAD))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_code_is_tidy(check: Check) -> None:
    """Every rule holds in this repository, and what is excused has exactly the size written down."""
    complaints = [str(found) for found in check(ROOT) if RATCHET.get(found.where) != found.size]
    assert not complaints, "\n" + "\n".join(complaints)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.check.__name__} in {bad.path}")
def test_each_rule_finds_what_breaks_it(bad: Bad, tmp_path: Path) -> None:
    """A rule names the one place that breaks it, and nothing else."""
    path = tmp_path / bad.path
    path.parent.mkdir(parents=True)
    path.write_text(bad.text, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[project]\nscripts = {}\n", encoding="utf-8")
    assert [bad.where] == sorted({found.where for found in bad.check(tmp_path)})


def test_no_exception_outlives_its_reason() -> None:
    """The list of exceptions holds nothing that has become short enough, and never the plan itself."""
    sized = {found.where for check in CHECKS for found in check(ROOT) if found.size}
    assert set(RATCHET) <= sized
    assert "src/windlass/planner/plan.py:plan" not in RATCHET
