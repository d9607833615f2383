"""Columns that a file names and no table has: `validate` and `plan` say so before anything is built."""

from pathlib import Path

import pytest

from tests.doors.conftest import Type
from tests.doors.test_files import committed
from windlass.cli import columns

SPEC = """\
service: s
train: python train.py
data:
  train: train.csv
  holdout: holdout.csv
  label: progression
gate: [mae <= 75]
"""
TRAIN = "key,age,progression\n1,2,3\n"
HELD_OUT = "key,age,progression\n2,3,4\n"


def repository(spec: str = SPEC, train: str = TRAIN, holdout: str = HELD_OUT) -> None:
    committed(Path.cwd(), windlass__yaml=spec, train__py="print()", train__csv=train, holdout__csv=holdout)


@pytest.mark.parametrize("verb", ["validate", "plan"])
def test_a_label_that_is_no_column_is_told_at_its_place(typed: Type, verb: str) -> None:
    """A slip is answered with the column that was meant, and any other name with the columns that there are."""
    repository(SPEC.replace("label: progression", "label: progresion"))
    ended = typed(verb)
    words = 'windlass.yaml:6:10: data.label: "progresion" is no column of train.csv or holdout.csv; '
    assert (2, True) == (ended.code, words + 'did you mean "progression"?' in ended.out), ended
    Path("windlass.yaml").write_text(SPEC.replace("label: progression", "label: nosuch"))
    assert "write one of key, age, progression" in typed(verb).out


@pytest.mark.parametrize("key", ["id", "unit", "time"])
def test_other_columns_are_looked_for_as_well(typed: Type, key: str) -> None:
    """What tells rows, units and times apart must be a column too; one that some table has is fine."""
    repository(SPEC.replace("gate:", f"  {key}: keys\ngate:"))
    ended = typed("validate")
    words = f'windlass.yaml:7:{5 + len(key)}: data.{key}: "keys" is no column of train.csv or holdout.csv'
    assert (2, True) == (ended.code, words in ended.out), ended
    Path("windlass.yaml").write_text(SPEC.replace("gate:", f"  {key}: key\ngate:"))
    Path("train.csv").write_text(TRAIN.replace("key", "kex"))
    assert 0 == typed("validate").code


def test_long_lists_of_columns_are_cut(typed: Type) -> None:
    """A wide table is named by its first columns."""
    names = ",".join(f"a{number}" for number in range(12))
    repository(SPEC, *[f"{names}\n{','.join('1' * 12)}\n"] * 2)
    assert "write one of a0, a1, a2, a3, a4, a5, a6, a7 and 4 more" in typed("validate").out


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n"


def test_what_cannot_be_read_now_is_left_to_the_build(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large tables, pointers and broken ones are no evidence: a column may stand in what was not read, except that a
    gate looks for its label in the holdout."""
    repository(SPEC.replace("gate:", "  time: day\ngate:"), train=POINTER)
    assert 0 == typed("validate").code
    Path("windlass.yaml").write_text(SPEC.replace("progression", "nosuch"))
    assert 'data.label: "nosuch" is no column of holdout.csv; ' in typed("validate").out
    Path("holdout.csv").write_text("a,a\n1,2\n")
    assert 0 == typed("validate").code
    Path("train.csv").write_text(TRAIN)
    Path("holdout.csv").write_text(HELD_OUT)
    assert 2 == typed("validate").code
    monkeypatch.setattr(columns, "COMPARED_BYTES_MAX", 1)
    assert 0 == typed("validate").code


def test_lines_that_yaml_joined_are_told(typed: Type) -> None:
    """An item of the gate that is indented more than the one above it is one value with that one to YAML."""
    repository(SPEC.replace("gate: [mae <= 75]", "gate:\n - mae <= 75\n  - mae not worse than champion by 2"))
    ended = typed("validate")
    words = 'windlass.yaml:8:4: gate[0]: two lines ran together: "mae <= 75" and "mae not worse than champion by 2"'
    assert (2, True) == (ended.code, words in ended.out), ended
