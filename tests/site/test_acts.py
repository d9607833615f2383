"""What an act means for a slice, and what stays of it."""

from dataclasses import replace

from tests.site.worlds import SERVICE, A, B, C, slice_of, words_of
from windlass.delivery.services.types import ServiceSlice
from windlass.facts.counts import JournalEntry, StepCounts, Tally
from windlass.site.acts import Journalled, breach, in_force


def left(seq: int, leaves: str, returns_to: str, piece: ServiceSlice) -> Journalled:
    return Journalled(JournalEntry(seq, 1, "rollback", SERVICE, leaves, returns_to, "ann", "why"), piece)


def test_the_share_goes_where_the_person_went() -> None:
    """The release that was left has no weight and no replicas; the other has its own weight and the freed one."""
    piece = slice_of("s2 a95 b5")
    assert "s2.j4 a100" == words_of(in_force(piece, [left(4, B, A, piece)]))


def test_a_third_release_keeps_its_share() -> None:
    """A newer plan that has not seen the act may hold a third release: only what was left loses its share."""
    piece = slice_of("s5 b95 c5")
    assert "s5.j4 a95 c5" == _sorted(in_force(piece, [left(4, B, A, piece)]))


def test_a_release_that_is_not_routed_is_not_kept_either() -> None:
    """What was left and is only warm in a newer plan gets no replica, and the step keeps its name."""
    piece = slice_of("s5 a100 b0")
    assert "s5 a100" == words_of(in_force(piece, [left(4, B, A, piece)]))


def test_acts_add_up() -> None:
    """Two acts after each other: from c to b, from b to a."""
    piece = slice_of("s5 b95 c5")
    journal = [left(1, C, B, piece), left(2, B, A, piece)]
    assert "s5.j1.j2 a100" == words_of(in_force(piece, journal))


def test_a_rollback_after_a_pause_leaves_what_was_paused() -> None:
    """The pause holds the old shares against a newer plan, and the rollback after it starts from them."""
    held, newer = slice_of("s2 a95 b5"), slice_of("s3 a50 b50")
    pause = Journalled(JournalEntry(1, 1, "pause", SERVICE, "", "", "ann", "why"), held)
    assert "s2 a95 b5" == words_of(in_force(newer, [pause]))
    assert "s2.j2 a100" == words_of(in_force(newer, [pause, left(2, B, A, held)]))
    assert "s3 a50 b50" == words_of(in_force(replace(newer, seen_entry=2), [pause, left(2, B, A, held)]))


def test_acts_on_others_change_nothing() -> None:
    """An entry of another service is none of this one's business."""
    piece = slice_of("s2 a95 b5", "churn")
    assert piece == in_force(piece, [left(4, B, A, piece)])


def test_what_a_person_left_is_banned_here() -> None:
    """Until the plan has seen the act, nothing that the site holds on to may bring the release back."""
    piece = slice_of("s2 a95 b5")
    assert (B,) == in_force(piece, [left(1, B, A, piece)]).banned
    assert () == in_force(slice_of("s2 a95 b5", seen_entry=1), [left(1, B, A, piece)]).banned
    only = slice_of("s1 b100")
    assert () == in_force(only, [left(1, B, "", only)]).banned  # nothing else could answer


def test_a_banned_release_without_a_refuge_stays() -> None:
    """Where nothing else could answer, a ban cannot be kept: the plan itself is wrong, and callers come first."""
    piece = slice_of("s2 b100", banned=(B,))
    assert piece == in_force(piece, [])


def test_a_banned_release_gives_way_to_the_way_back() -> None:
    """The share of a banned release goes to another route, or to the release that the plan goes back to."""
    assert "s2 a100" == words_of(in_force(slice_of("s2 b100", banned=(B,), way_back=A), []))
    assert "s2 a100" == words_of(in_force(slice_of("s2 a95 b5", banned=(B,)), []))
    assert "s2 a100" == words_of(in_force(slice_of("s2 b95 c5", banned=(B, C), way_back=A), []))


def test_a_candidate_breaks_its_limit_by_the_counts_of_its_step() -> None:
    """Only enough requests of this service, step and candidate, with a larger share of failures, break the limit."""
    piece = slice_of("s2 a95 b5")
    bad, few = Tally(100, 26), Tally(99, 99)
    for counts, is_broken in (
        (StepCounts(SERVICE, "s2", B, bad), True),
        (StepCounts(SERVICE, "s2", B, few), False),
        (StepCounts(SERVICE, "s2", B, Tally(100, 25)), False),
        (StepCounts(SERVICE, "s2", A, bad), False),
        (StepCounts(SERVICE, "s1", B, bad), False),
        (StepCounts("churn", "s2", B, bad), False),
    ):
        assert is_broken == bool(breach(piece, [counts]))
    counts = StepCounts(SERVICE, "s2", B, bad)
    assert "alone: 26 of 100 requests failed on bbbbbbbbbbbb (at most 25%)" == breach(piece, [counts])
    assert "" == breach(replace(piece, alone=None), [counts])
    assert "" == breach(slice_of("s2 a100"), [counts])


def _sorted(piece: ServiceSlice) -> str:
    return words_of(replace(piece, routes=tuple(sorted(piece.routes, key=lambda route: route.release))))
