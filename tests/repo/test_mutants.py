"""The catalogue of mutants is true, and statements are deleted as they should be."""

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tools.mutants.__main__ import told
from tools.mutants.cascade import FIRST_FILES, caught, shares, verdict
from tools.mutants.catalogue import MUTANTS
from tools.mutants.copies import FOLDER, Ended, NotTrue, copied, failed_test
from tools.mutants.deletions import REASONS, Register, Tried, judged, reasons
from tools.mutants.mutant import STORIES, Mutant, mutated, path_of
from tools.mutants.reach import TESTS, Reach, Traced, merged, trace
from tools.mutants.statements import Statement, drawn, sources, statements, without

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
    assert [] == [test for test in mutant.tests if not (ROOT / test.partition("::")[0]).exists()]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_the_simulator_finds_it_or_cannot(mutant: Mutant) -> None:
    """A mutant names stories on the virtual clock; one that names another test says why no story can show it."""
    assert all(test.startswith(STORIES) for test in mutant.tests) == (not mutant.no_story)


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
    assert first[:5] == drawn(ROOT, 5, "abc")
    assert {path.relative_to(ROOT).as_posix() for path in sources(ROOT)} >= {one.path for one in first}


def test_each_survivor_has_its_reason() -> None:
    """A reason names a statement that is there, and says something."""
    for (path_text, text), reason in reasons(REASONS.read_text()).items():
        assert text in (ROOT / path_text).read_text()
        assert len(reason.split()) > 3


def test_the_tests_that_look_for_deletions_are_there() -> None:
    """Each pattern of tests finds some."""
    assert [] == [wanted for wanted in TESTS if not list((ROOT / "tests").glob(wanted))]


LINE = Statement("src/windlass/site/x.py", 5, 6, "x = (")


def test_a_deletion_is_looked_for_by_those_who_reach_it() -> None:
    """The tests that reach a statement are asked, the quickest first; of one that runs at import all of its file."""
    files: list[Traced] = [
        {"seconds": {"a::1": 3.0, "a::2": 1.0}, "lines": {LINE.path: {"5": [0], "6": [0, 1], "9": [1]}}},
        {"seconds": {"b::1": 0.5, "b::2": 0.1}, "lines": {LINE.path: {"9": [1], "6": [0], "1": []}}},
    ]
    reach = merged(files, 9.0)
    assert ("b::1", "a::2", "a::1") == reach.tests(LINE)
    assert ("b::2", "b::1", "a::2", "a::1") == reach.tests(replace(LINE, at_import=True))
    assert ("b::2", "b::1", "a::2", "a::1") == reach.tests(Statement(LINE.path, 1, 1, "X = 1"))
    assert () == reach.tests(Statement("src/windlass/site/y.py", 5, 6, "x = ("))


def test_the_files_of_the_quickest_tests_come_first() -> None:
    """What is asked first comes from few files, and no test is left out."""
    tests = [f"{number}::{test}" for test in "ab" for number in range(FIRST_FILES + 2)]
    first, rest = shares(tests)
    assert FIRST_FILES == len({test.partition("::")[0] for test in first})
    assert sorted(tests) == sorted([*first, *rest])
    assert [] == shares([])


def test_what_was_not_shown_is_no_catch() -> None:
    """A failed test notices a deletion, and so does a hang; where pytest itself broke off, nothing is judged."""
    assert "" == verdict(Ended(0, "3 passed"))
    assert "t.py::test_y" == verdict(Ended(1, "FAILED t.py::test_y - assert 1 == 2"))
    assert "t.py::test_y hangs" == verdict(Ended(1, "FAILED t.py::test_y - Failed: Timeout (>20s) from pytest-timeout"))
    assert "t.py" == verdict(Ended(2, "ERROR t.py - NameError"))
    assert "nothing can be imported: E   ImportError: x" == verdict(
        Ended(4, "ImportError while loading conftest '/c.py'.\nE   ImportError: x")
    )
    assert "hangs: no end within 9 s" == verdict(Ended(None, "no end within 9 s"))
    with pytest.raises(NotTrue, match="pytest ended with 5"):
        verdict(Ended(5, "no tests ran"))


def tried(count: int, survivors: int = 0) -> list[Tried]:
    """Some deletions, the first of which nothing noticed."""
    return [Tried("x.py", number, "x", "" if number < survivors else "a test", 1.0) for number in range(count)]


def test_deletions_pass_only_if_all_were_tried(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing tried, one left, too many survivors or one without a reason: each fails."""
    known = {("x.py", "x"): "a good reason"}
    assert 0 == judged(tried(100, 5), 100, known)
    assert 1 == judged([], 100, known)
    assert 1 == judged(tried(99), 100, known)
    assert "1 of 100 were not tried" in capsys.readouterr().out
    assert 1 == judged(tried(100, 6), 100, known)
    assert 1 == judged(tried(100, 1), 100, {})


def test_a_stopped_run_goes_on_from_where_it_was(tmp_path: Path) -> None:
    """What was tried counts for the same draw from the same code, and for no other."""
    path = tmp_path / "deletions.json"
    one = Tried(LINE.path, LINE.first, LINE.text, "a test", 1.0)
    Register(path, "abc", "code").add(one)
    assert [one] == Register(path, "abc", "code").of([LINE])
    assert [] == Register(path, "abc", "code").of([Statement(LINE.path, 7, 7, "y")])
    assert [] == Register(path, "abd", "code").of([LINE])
    assert [] == Register(path, "abc", "other").of([LINE])
    assert 1 == json.loads(path.read_text())["caught"]


def test_a_deletion_is_noticed(tmp_path: Path) -> None:
    """What a stage's tests reach on the unchanged code is seen, and they notice that a line of it is gone."""
    path, tests = "src/windlass/delivery/services/decide.py", "tests/delivery/services/test_decide.py"
    with copied("unchanged-test") as folder:
        found = trace(folder, tests, tmp_path)
    reach = Reach(found["seconds"], merged([found], 1.0).lines, 1.0)
    statement = next(one for one in statements(ROOT, ROOT / path) if one.text.startswith("return"))
    assert reach.tests(statement)
    with copied("deletion-test", path, without((ROOT / path).read_text(), statement)) as folder:
        assert caught(folder, statement, reach).startswith(tests)


def test_who_found_a_mutant_is_told() -> None:
    """A story on the virtual clock is told apart from another test."""
    assert "stories" == told("tests/sim/test_power.py::test_x")[0]
    assert "tests" == told("tests/site/test_plans.py::test_x")[0]


def test_the_failing_test_is_named() -> None:
    """Of pytest's words the first failing test is told; where there is none, the last line."""
    assert "tests/x.py::test_y" == failed_test(
        "..F\nERROR    windlass: x\nFAILED tests/x.py::test_y - assert 1 == 2\n1 failed"
    )
    assert "no such option" == failed_test("usage\nno such option")
