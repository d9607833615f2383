"""What each command answers: its exit code, its streams, its one error shape."""

import json
from pathlib import Path

import pytest

from tests.doors.conftest import Type
from tests.doors.town import LIVE, ROLLING, Town
from windlass.cli.app import VERBS
from windlass.testing.tables import Row, read_table

HERE = Path(__file__).parent
CODES = {0, 1, 2, 10, 11, 12, 13, 124}
STORIES = {
    "live": LIVE,
    "rolling": ROLLING,
    "failed": (*LIVE, 'commit "v2" gate=fail', "tick until gate fail"),
    "unsure": (*LIVE, 'commit "v2" gate=unsure', "tick until gate unsure"),
    "harm": (*LIVE, "traffic 200/s", "tick 20s", 'commit "v2" bad=50%', "tick 60s"),
    "broken": (*LIVE, 'commit "v2" build=user', "tick until failed"),
}


@pytest.mark.parametrize("row", read_table(HERE / "alone.txt"), ids=str)
def test_without_a_server(row: Row, typed: Type) -> None:
    """Every row of alone.txt holds: a mistake is code 2, no server is code 1, and only answers reach stdout."""
    ended = typed(row["command"])
    assert (int(row["code"]), True, True) == (ended.code, row["stdout"] in ended.out, row["stderr"] in ended.err), ended
    assert (ended.code == 0 or not ended.out) and "Traceback" not in ended.err


@pytest.mark.parametrize("row", read_table(HERE / "running.txt"), ids=str)
def test_with_a_server(row: Row, typed: Type, made: Town) -> None:
    """Every row of running.txt holds, from a control plane and a site that are simulated behind real sockets."""
    made.play(*STORIES[row["story"]])
    made.open()
    ended = typed(row["command"])
    out, err = made.session.named(ended.out), made.session.named(ended.err)
    assert (int(row["code"]), True, True) == (ended.code, row["stdout"] in out, row["stderr"] in err), (out, err)
    assert row["stdout"] or not out


@pytest.mark.parametrize("row", read_table(HERE / "running.txt"), ids=str)
def test_the_same_in_json(row: Row, typed: Type, made: Town) -> None:
    """With `-o json` the code is the same, stdout is one JSON object or empty, and an error is a problem on stderr."""
    made.play(*STORIES[row["story"]])
    made.open()
    ended = typed(f"{row['command']} -o json")
    assert int(row["code"]) == ended.code, ended
    if ended.out:
        (line,) = ended.out.splitlines()
        assert "windlass/v1" == json.loads(line)["api"]
        assert list(json.loads(line))[:2] == ["api", "kind"]
    else:
        assert ended.code == 0 or {"type", "title", "status", "detail"} <= set(json.loads(ended.err.splitlines()[-1]))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, typed: Type) -> None:
    """`windlass <verb> --help` shows a sentence and the flags that all verbs share, and returns 0."""
    ended = typed(f"{verb} --help")
    assert (0, "") == (ended.code, ended.err)
    assert f"Usage: windlass {verb}" in ended.out and "--output" in ended.out


def test_flags_go_before_or_after_the_verb(typed: Type) -> None:
    """`windlass -o json version` and `windlass version -o json` are the same."""
    assert typed("-o json version").out == typed("version -o json").out
    assert json.loads(typed("version -o json").out)["kind"] == "version"


def test_an_unexpected_error_is_one_line(typed: Type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A bug of ours reaches a person as one line that says where the details are, and never as a traceback."""

    def broken() -> str:
        raise RuntimeError("a\x1b[31m surprise")

    monkeypatch.setattr("platform.python_version", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = typed("version")
    assert (1, "") == (ended.code, ended.out)
    (line,) = ended.err.splitlines()
    assert "this is a bug of Windlass: RuntimeError: a\\x1b[31m surprise" in line
    where = Path(line.partition("the details are in ")[2].partition(";")[0])
    assert "Traceback" in where.read_text()
    monkeypatch.setenv("WINDLASS_DEBUG", "1")
    assert "Traceback" in typed("version").err
