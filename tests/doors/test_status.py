"""What `status` says of a service, line by line."""

import json
from pathlib import Path
from typing import Any

from tests.doors.conftest import Type
from tests.doors.town import LIVE, Town
from windlass.cli.talk import Paint
from windlass.cli.text.plan import _holdout
from windlass.cli.text.status import status_lines

HERE = Path(__file__).parent
TRACEBACK = "it ended with exit code 1; its last lines:\n  Traceback:\n    f()\n  KeyError: 'age'"


def shown(width: int = 0, **changed: Any) -> list[str]:
    """The lines of the service in rolling.json with some of its values changed."""
    answer = json.loads((HERE / "rolling.json").read_text(encoding="utf-8"))
    answer["repositories"][0]["complaints"] = changed.pop("complaints", [])
    answer["items"][0] |= {"rollout": None, "frozen": None, "replicas": []} | changed
    return list(status_lines(answer, Paint(False), width))


def failed(words: str, **changed: Any) -> dict[str, Any]:
    """A build that failed."""
    return {"commit": "d74c7dcd4718", "state": "failed", "kind": "user", "words": words, **changed}


def test_a_failed_build_is_told_once_and_short() -> None:
    """Of a traceback only the last line stands in `status`, once, and the log with the rest is named."""
    sentence = f"the build of commit d74c7dcd4718 failed: {TRACEBACK}"
    lines = shown(state="failed", sentence=sentence, builds=[failed(TRACEBACK)])
    assert ["              the build of commit d74c7dcd4718 failed: it ended with exit code 1: KeyError: 'age'"] == [
        line for line in lines if "exit code" in line
    ]
    assert "  build       `windlass logs doctor-visits --source build` shows all that it wrote" in lines
    assert "Traceback" not in "\n".join(lines)


def test_a_failed_build_beside_another_state_says_why() -> None:
    """Where something else is the headline, the failed build has a line with its reason and its log."""
    lines = shown(state="live", sentence="release 3925c9607da4 serves", builds=[failed("the model raised TypeError")])
    words = "of commit d74c7dcd4718 failed: the model raised TypeError (`windlass logs doctor-visits --source build`)"
    assert f"  build       {words}" in lines


def test_a_refused_file_is_listed_once() -> None:
    """Each complaint has one line, under its service alone; what belongs to no service stands at the branch."""
    wrong = ["a/windlass.yaml:2:1: trian: is not a key", "a/windlass.yaml:3:1: gate: is an empty list"]
    lines = shown(
        state="refused",
        sentence="; ".join(wrong),
        refused=wrong,
        refused_commit="aaaaaaaaaaaabbbb",
        complaints=[*wrong, "b/windlass.yaml:1:1: the file is empty"],
    )
    assert "  wrong: b/windlass.yaml:1:1: the file is empty" in lines
    start = lines.index("  refused     the file of commit aaaaaaaaaaaa:")
    assert [f"              {one}" for one in wrong] == lines[start + 1 : start + 3]
    assert 2 == sum("a/windlass.yaml" in line for line in lines)


def test_one_is_no_plural(typed: Type, made: Town) -> None:
    """One service, one row and one query are told as one."""
    made.play(*LIVE)
    made.open()
    assert "answers; one service, generation" in typed("doctor").out
    seen = {"rows": 1, "words": ""}
    gate = {"holdout": seen, "queries_used": 19, "queries_left": 1, "margin_visible": None}
    lines = [line.strip() for line in _holdout(gate, Paint(False), 0)]
    assert ["holdout     one row", "asked 19 times; one query is left"] == lines


def test_evidence_is_short_and_a_cut_line_says_so() -> None:
    """Evidence far beyond its threshold has no digits to read, and a line that does not fit ends with a mark."""
    rollout = json.loads((HERE / "rolling.json").read_text(encoding="utf-8"))["items"][0]["rollout"]
    rollout["evidence"]["guardrails"][1]["safety_e"] = 1e43
    lines = shown(rollout=rollout)
    assert any(line.startswith("  latency     > 1,000,000 ") and line.endswith("│ shown safe") for line in lines)
    narrow = shown(60, rollout=rollout)
    assert any(line.startswith("  errors ") and line.endswith("…") and len(line) == 60 for line in narrow)
