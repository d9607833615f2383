"""Promises of the wagers over generated counts."""

import math
from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from windlass.maths.betting import mean_above_log_e, mean_below_log_e, staged_log_e
from windlass.maths.intervals import ratio_interval
from windlass.maths.proportions import tango_lower, tango_upper
from windlass.maths.rounding import round10
from windlass.maths.shares import share_log_es
from windlass.maths.wagers import (
    Arms,
    common_harm_log_e,
    harm_log_e,
    limit_log_e,
    safety_log_e,
    sample_ratio_log_e,
)

COUNT = st.integers(0, 10**6) | st.integers(0, 10**12)
SHARE = st.sampled_from([0.01, 0.05, 0.25, 0.5, 0.9])
STEP = st.tuples(COUNT, COUNT, SHARE)
STEPS = st.lists(STEP, min_size=1, max_size=5)
RATES = st.floats(1e-4, 0.999)
Wager = Callable[[list[int], list[int], list[float], float], float]
WORTH_ONE = 1.0 + 1e-9


def columns(steps: list[tuple[int, int, float]]) -> tuple[list[int], list[int], list[float]]:
    return [step[0] for step in steps], [step[1] for step in steps], [step[2] for step in steps]


@given(steps=STEPS, data=st.data())
def test_splitting_and_reordering_shards_changes_no_bit(
    steps: list[tuple[int, int, float]], data: st.DataObject
) -> None:
    """However counts are split over replicas and in whatever order they come, the evidence is the same to the bit."""
    shards = []
    for canary, control, share in steps:
        part = data.draw(st.integers(0, canary)), data.draw(st.integers(0, control))
        shards += [(part[0], part[1], share), (canary - part[0], control - part[1], share)]
    shuffled = data.draw(st.permutations(shards))
    for wager in (harm_log_e, safety_log_e, sample_ratio_log_e):
        assert wager(*columns(steps)) == wager(*columns(shuffled))


@given(steps=STEPS, quiet=st.tuples(COUNT, COUNT), usual=st.sampled_from([0.1, 0.25, 0.5]))
def test_common_events_are_added_up_likewise(
    steps: list[tuple[int, int, float]], quiet: tuple[int, int], usual: float
) -> None:
    """Steps in another order give the same evidence to the bit."""
    canary, control, share = columns(steps)
    calm = Arms([quiet[0]] * len(steps), [quiet[1]] * len(steps))
    forwards = common_harm_log_e(Arms(canary, control), calm, share, [usual] * len(steps))
    backwards = common_harm_log_e(Arms(canary[::-1], control[::-1]), calm, share[::-1], [usual] * len(steps))
    assert forwards == backwards


@given(steps=STEPS)
def test_one_more_canary_failure_never_helps_the_canary(steps: list[tuple[int, int, float]]) -> None:
    """A canary success turned into a failure never lowers harm nor raises safety; on the control it is the reverse."""
    canary, control, share = columns(steps)
    worse_canary, worse_control = [canary[0] + 1, *canary[1:]], [control[0] + 1, *control[1:]]
    slack = 1e-9 * (1 + abs(harm_log_e(canary, control, share)))
    assert harm_log_e(worse_canary, control, share) >= harm_log_e(canary, control, share) - slack
    assert harm_log_e(canary, worse_control, share) <= harm_log_e(canary, control, share) + slack
    assert safety_log_e(worse_canary, control, share) <= safety_log_e(canary, control, share) + slack
    assert safety_log_e(canary, worse_control, share) >= safety_log_e(canary, control, share) - slack


@given(
    events=st.tuples(st.integers(0, 500), st.integers(0, 5_000)),
    quiet=st.tuples(st.integers(1, 500), st.integers(1, 5_000)),
    share=SHARE,
    usual=st.sampled_from([0.1, 0.25, 0.5]),
)
def test_one_more_slow_call_never_helps_its_side(
    events: tuple[int, int], quiet: tuple[int, int], share: float, usual: float
) -> None:
    """A quick canary call turned slow never lowers the evidence of harm; a quick control call never raises it."""

    def evidence(slow: tuple[int, int], calm: tuple[int, int]) -> float:
        return common_harm_log_e(Arms([slow[0]], [slow[1]]), Arms([calm[0]], [calm[1]]), [share], [usual])

    before = evidence(events, quiet)
    assert evidence((events[0] + 1, events[1]), (quiet[0] - 1, quiet[1])) >= before - 1e-9 * (1 + abs(before))
    assert evidence((events[0], events[1] + 1), (quiet[0], quiet[1] - 1)) <= before + 1e-9 * (1 + abs(before))


@given(share=st.floats(0.001, 0.999), null=st.floats(1.0, 20.0), below=st.floats(0.0, 1.0))
def test_no_bet_on_harm_gains_while_its_null_is_true(share: float, null: float, below: float) -> None:
    """The expected factor of one event is at most 1 at every ratio up to the null, and above 1 somewhere beyond."""
    assert _expected(harm_log_e, share, null, ratio=below * null) <= WORTH_ONE
    assert _expected(harm_log_e, share, null, ratio=1e4 * null) > 1.0 or share > 0.99


@given(share=st.floats(0.001, 0.999), above=st.floats(1.0, 1e4))
def test_no_bet_on_safety_gains_while_the_canary_is_worse(share: float, above: float) -> None:
    """The expected factor of one event is at most 1 at every ratio from the null up, and above 1 at none at all."""
    assert _expected(safety_log_e, share, 1.5, ratio=1.5 * above) <= WORTH_ONE
    assert _expected(safety_log_e, share, 1.5, ratio=0.0) > 1.0


def _expected(wager: Wager, share: float, null: float, ratio: float) -> float:
    falls_on_canary = share * ratio / (share * ratio + 1.0 - share)
    on_canary, on_control = (math.exp(wager([int(c)], [int(not c)], [share], null)) for c in (True, False))
    return float(falls_on_canary * on_canary + (1.0 - falls_on_canary) * on_control)


@given(rate=RATES, limit=RATES)
def test_no_bet_on_a_limit_gains_above_it(rate: float, limit: float) -> None:
    """One request's expected factor is at most 1 while the rate is not below the limit, and above 1 if it is zero."""
    worst = max(rate, limit)
    good, bad = (math.exp(limit_log_e(hit, 1, limit)) for hit in (0, 1))
    assert (1.0 - worst) * good + worst * bad <= WORTH_ONE
    assert good > 1.0


@given(share=st.floats(0.01, 0.99), usual=RATES, control=st.floats(0.0, 1.0), part=st.floats(0.0, 1.0))
def test_no_bet_on_common_events_gains_while_the_canary_is_not_above(
    share: float, usual: float, control: float, part: float
) -> None:
    """One request's expected factor is at most 1 for every canary rate up to the control's, whatever is usual."""
    canary = part * control
    units = np.eye(4, dtype=np.int64)
    chances = (share * canary, (1 - share) * control, share * (1 - canary), (1 - share) * (1 - control))
    worth = sum(
        chance * math.exp(common_harm_log_e(Arms([u[0]], [u[1]]), Arms([u[2]], [u[3]]), [share], [usual]))
        for chance, u in zip(chances, units, strict=True)
    )
    assert worth <= WORTH_ONE


@given(share=SHARE, steps=st.integers(0, 4))
def test_no_data_is_no_evidence(share: float, steps: int) -> None:
    """Without events every wager is worth exactly one, in any number of steps."""
    nothing, shares = [0] * steps, [share] * steps
    for wager in (harm_log_e, safety_log_e, sample_ratio_log_e):
        assert round10(abs(wager(nothing, nothing, shares))) <= 1e-15
    assert abs(common_harm_log_e(Arms(nothing, nothing), Arms(nothing, nothing), shares, shares)) <= 1e-15
    assert abs(limit_log_e(0, 0, share)) <= 1e-15


@given(steps=STEPS, null=st.floats(1.0, 5.0))
def test_counts_of_any_size_give_a_number(steps: list[tuple[int, int, float]], null: float) -> None:
    """Counts up to 10^12 neither overflow nor turn into NaN."""
    for log_e in (
        harm_log_e(*columns(steps), null),
        safety_log_e(*columns(steps)),
        sample_ratio_log_e(*columns(steps)),
    ):
        assert math.isfinite(log_e)


@given(steps=st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 30_000), SHARE), min_size=1, max_size=3))
@settings(max_examples=25)
def test_the_interval_encloses_the_likeliest_ratio(steps: list[tuple[int, int, float]]) -> None:
    """The interval is never empty, and a smaller error rate never makes it narrower."""
    low, high = ratio_interval(*columns(steps), 0.05)
    wide_low, wide_high = ratio_interval(*columns(steps), 0.01)
    assert wide_low <= low * (1 + 1e-9) and low <= high and high <= wide_high * (1 + 1e-9)


@given(canary=st.integers(0, 40), control=st.integers(0, 400), tilt=st.floats(0.1, 10.0))
def test_a_wager_is_a_function_of_counts_alone(canary: int, control: int, tilt: float) -> None:
    """Evidence at given counts is the product over events: it has no memory of earlier looks."""
    tables = [np.array([[canary]]), np.array([[control]])]
    once = share_log_es(tables, np.array([0.05]), 1.0, np.array([tilt]), np.zeros(1))
    one_canary = share_log_es([np.array([[1]]), np.array([[0]])], np.array([0.05]), 1.0, np.array([tilt]), np.zeros(1))
    one_control = share_log_es([np.array([[0]]), np.array([[1]])], np.array([0.05]), 1.0, np.array([tilt]), np.zeros(1))
    assert np.allclose(canary * one_canary + control * one_control, once)


@given(
    worse=st.integers(0, 60),
    better=st.integers(0, 60),
    same=st.integers(30, 2_000),
    alpha=st.sampled_from([0.05, 0.01]),
)
def test_tango_never_passes_and_fails_at_once(worse: int, better: int, same: int, alpha: float) -> None:
    """The bounds enclose the estimate and mirror when the models are swapped; twice the rows keep a verdict."""
    rows = worse + better + same
    low, high = tango_lower(worse, better, rows, alpha), tango_upper(worse, better, rows, alpha)
    assert low <= (worse - better) / rows <= high
    assert (-high, -low) == (tango_lower(better, worse, rows, alpha), tango_upper(better, worse, rows, alpha))
    for margin in (0.005, 0.01, 0.05):
        if high < margin:
            assert tango_upper(2 * worse, 2 * better, 2 * rows, alpha) < margin + 1e-12
        if low > margin:
            assert tango_lower(2 * worse, 2 * better, 2 * rows, alpha) > margin - 1e-12


@given(worse=st.integers(0, 300), same=st.integers(0, 3_000), better=st.integers(0, 300), wider=st.floats(0.0, 0.5))
def test_a_wider_margin_never_turns_a_staged_pass_away(worse: int, same: int, better: int, wider: float) -> None:
    """The staged evidence never falls when the margin grows."""
    assert staged_log_e(worse, same, better, 0.01 + wider) >= staged_log_e(worse, same, better, 0.01) - 1e-9


@given(rows=st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), max_size=60), limit=st.floats(-0.9, 0.9))
def test_the_two_sides_of_a_gate_mirror_each_other(rows: list[float], limit: float) -> None:
    """Swapping the models swaps the sides, and no data moves neither."""
    mirrored = [-row for row in rows]
    assert mean_above_log_e(rows, limit) == mean_below_log_e(mirrored, -limit)
    assert mean_below_log_e(rows, limit) < math.log(20) + 1.0
    if not rows:
        assert mean_below_log_e(rows, limit) == 0.0


@given(limit=st.floats(-0.95, 0.95), worse=st.floats(0.0, 1.0), spread=st.floats(0.0, 1.0))
def test_no_bet_on_a_mean_gains_at_or_above_the_limit(limit: float, worse: float, spread: float) -> None:
    """The expected factor of a row is at most 1 for every law of rows whose mean is not below the limit."""
    mean = limit + worse * (1.0 - limit)
    high, low = mean + spread * (1.0 - mean), mean - spread * (1.0 + mean)
    chance = 1.0 if high == low else (mean - low) / (high - low)
    up, down = (math.exp(mean_below_log_e([min(1.0, max(-1.0, row))], limit)) for row in (high, low))
    assert chance * up + (1.0 - chance) * down <= WORTH_ONE
