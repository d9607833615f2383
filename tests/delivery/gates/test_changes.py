"""What is called looser."""

import pytest

from windlass.delivery.gates.changes import gate_changes


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ("mae <= 3", "mae <= 4", "loosened"),
        ("mae <= 3", "mae <= 2", "changed"),
        ("accuracy not worse than champion by 1pp", "accuracy not worse than champion by 2pp", "loosened"),
        ("accuracy better than champion", "accuracy not worse than champion", "loosened"),
        ("latency p99 <= 100ms", "latency p99 <= 200ms", "loosened"),
        ("rows >= 1000", "rows >= 100", "loosened"),
        ("missing(age) <= 1%", "missing(age) <= 2%", "loosened"),
        ("missing(age) <= 1%", "missing(sex) <= 1%", "loosened: missing(age) <= 1% is taken out"),
    ],
)
def test_a_looser_gate_is_called_so(before: str, now: str, words: str) -> None:
    """Whatever lets more releases pass is called loosened, in each kind of line."""
    assert gate_changes([before], [now])[0].startswith(f"gate {words}")


def test_lines_are_matched_by_their_subject() -> None:
    """A line that only moved is no change; one that came is named after those that went."""
    before = ["roc_auc >= 0.7", "rows >= 100", "mae <= 3"]
    now = ["rows >= 100", "accuracy >= 0.5", "roc_auc >= 0.8"]
    assert [
        "gate changed: roc_auc >= 0.7 -> roc_auc >= 0.8",
        "gate loosened: mae <= 3 is taken out",
        "gate line added: accuracy >= 0.5",
    ] == gate_changes(before, now)
