"""The catalogue of mutants is true, and statements are deleted as they should be."""

import ast
from pathlib import Path

import pytest

from tools.mutants.cascade import steps_of
from tools.mutants.catalogue import MUTANTS
from tools.mutants.copies import FOLDER, NotTrue, copied, failed_test
from tools.mutants.deletions import REASONS, reasons
from tools.mutants.mutant import Mutant, mutated, path_of
from tools.mutants.statements import drawn, sources, statements, without

ROOT = Path(__file__).parents[2]

SOURCE = '''"""Words."""

import logging

log = logging.getLogger("x")


def f(x: int) -> int:
    """Words."""
    y: int = 1
    if x:
        log.info("x")
        y = (
            x
        )
    elif x == 2:
        y = 2
    assert y
    return y
'''


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_every_mutant_applies(mutant: Mutant) -> None:
    """The text that a mutant replaces stands in its file once, the mutated file is Python, and its tests are there."""
    before = (ROOT / path_of(mutant)).read_text()
    assert ast.dump(ast.parse(before)) != ast.dump(ast.parse(mutated(mutant)))
    assert mutant.harm.endswith(".")
    assert [] == [test for test in mutant.tests if not (ROOT / test).exists()]


def test_there_are_enough_mutants() -> None:
    """At least thirty, no two of one name, and no two that are the same change."""
    assert len(MUTANTS) >= 30
    assert len(MUTANTS) == len({one.name for one in MUTANTS})
    assert len(MUTANTS) == len({(one.path, one.old, one.new) for one in MUTANTS})


def test_a_mutant_that_no_longer_applies_is_named() -> None:
    """A mutant whose text is gone, or stands there twice, stops the run with its name."""
    gone = Mutant("gone", "engine/loop.py", "no such text", "x", "Nothing.")
    with pytest.raises(NotTrue, match="mutant gone: its text stands 0 times in src/windlass/engine/loop"):
        mutated(gone)


def test_what_is_imported_is_the_copy() -> None:
    """A command on a copy imports the changed file, and the copy is gone afterwards."""
    with copied("a-test", "src/windlass/__init__.py", "CHANGED = True\n") as folder:
        assert folder == FOLDER / "a-test"
        assert "CHANGED = True\n" == (folder / "src/windlass/__init__.py").read_text()
    assert not folder.exists()


def test_statements_that_say_nothing_are_not_drawn(tmp_path: Path) -> None:
    """Docstrings, imports, loggers, lines for the log, asserts and the branches of an `if` are no single statements."""
    path = tmp_path / "x.py"
    path.write_text(SOURCE)
    found = list(statements(tmp_path, path))
    assert ["y: int = 1", "if x:", "y = (", "y = 2", "return y"] == [one.text for one in found]


def test_a_deletion_keeps_the_lines_below(tmp_path: Path) -> None:
    """In a statement's place stands `pass`, and what follows keeps its number."""
    path = tmp_path / "x.py"
    path.write_text(SOURCE)
    for one in statements(tmp_path, path):
        text = without(SOURCE, one)
        ast.parse(text)
        assert len(SOURCE.splitlines()) == len(text.splitlines())
        assert "pass" == text.splitlines()[one.first - 1].strip()


def test_one_seed_draws_the_same_statements() -> None:
    """The commit decides which statements are drawn, all from the files that decide and act."""
    first, again, other = (drawn(ROOT, 20, seed) for seed in ("abc", "abc", "abd"))
    assert first == again != other
    assert {path.relative_to(ROOT).as_posix() for path in sources(ROOT)} >= {one.path for one in first}


def test_every_file_has_tests_that_look_for_a_deletion() -> None:
    """Whatever file a statement is deleted from, some test is asked, and each survivor has its reason."""
    for path in sources(ROOT):
        assert all(steps_of(ROOT, path.relative_to(ROOT).as_posix()))
    for (path_text, text), reason in reasons(REASONS.read_text()).items():
        assert text in (ROOT / path_text).read_text()
        assert len(reason.split()) > 3


def test_the_failing_test_is_named() -> None:
    """Of pytest's words the first failing test is told; where there is none, the last line."""
    assert "tests/x.py::test_y" == failed_test("..F\nFAILED tests/x.py::test_y - assert 1 == 2\n1 failed")
    assert "no such option" == failed_test("usage\nno such option")
