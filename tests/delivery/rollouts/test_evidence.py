"""Counts into evidence."""

from dataclasses import replace

import pytest

from windlass.delivery.rollouts.evidence import EDGES_REQUESTS_MIN, Arm, Stage, edges_from, ratio_in_words, weigh
from windlass.delivery.sources.types import LimitSpec
from windlass.facts.counts import Tally
from windlass.maths.edges import bucket_of

ERRORS = LimitSpec("errors <= 1%", "errors", 0.0, 0.01)
P99 = LimitSpec("p99 <= 300ms", "latency", 0.99, 0.3)


def calls(count: int, milliseconds: float = 20.0, **more: int) -> Tally:
    """So many requests, nine in ten of this latency and one in ten of twice as much."""
    slow = count // 10
    quick = bucket_of(round(milliseconds * 1000))
    latency = {quick: count - slow}
    latency[bucket_of(round(milliseconds * 2000))] = slow
    return Tally(requests=count, latency=latency, **more)


EDGES = edges_from(calls(1000))


def stage(canary: Tally, control: Tally, settled: Tally | None = None, share: float = 0.05) -> Stage:
    """A stage whose requests have all settled, unless `settled` says which of the canary's have."""
    return Stage(share, EDGES, Arm(canary, settled if settled is not None else canary), Arm(control, control))


def guard(stages: list[Stage], name: str, limits: tuple[LimitSpec, ...] = (ERRORS,)) -> float:
    """The safety evidence of one guardrail."""
    return {one.name: one.safety_e for one in weigh(stages, limits).guardrails}[name]


def test_no_counts_are_no_evidence() -> None:
    """Silence is worth exactly 1 everywhere, and stages without a comparison count for nothing."""
    evidence = weigh([stage(Tally(), Tally())], (ERRORS,))
    assert 1.0 == evidence.harm_e
    assert all(one.safety_e == 1.0 for one in evidence.guardrails)
    assert 0 == weigh([stage(calls(100), calls(100), share=1.0)], (ERRORS,)).canary_requests


def test_a_clean_canary_is_safe_after_some_555_requests() -> None:
    """Without any failure the limit of 1 % lets a canary advance after 555 requests, not before."""
    assert guard([stage(calls(556), calls(10_000))], "errors") >= 20
    assert guard([stage(calls(540), calls(10_000))], "errors") < 20


def test_failures_on_the_canary_show_harm() -> None:
    """Seven of nineteen failures on a canary with 5 % of the traffic are no accident."""
    evidence = weigh([stage(calls(70, failed=7), calls(1330, failed=12))], (ERRORS,))
    assert evidence.harm_e > 100
    assert dict(evidence.harm_by_family)["errors"] > 100 > dict(evidence.harm_by_family)["latency"]


def test_malformed_requests_count_against_the_control_only() -> None:
    """Answers 400, 415 and 422 show a changed signature as harm, and are no failures for the absolute limit."""
    refused = weigh([stage(calls(600, refused=30), calls(10_000, refused=40))], (ERRORS,))
    assert refused.harm_e > 100
    equal = weigh([stage(calls(600, refused=30), calls(11_400, refused=570))], (ERRORS,))
    assert equal.harm_e < 5
    assert {one.name: one for one in equal.guardrails}["errors"].safety_e >= 10
    assert any("refused as malformed: 30" in line for line in equal.details)


def test_retries_do_not_hide_a_crashing_canary() -> None:
    """Requests that were saved by a retry still count against the release that dropped them."""
    evidence = weigh([stage(calls(300, retried=40), calls(5_700))], (ERRORS,))
    assert evidence.harm_e > 100
    assert any("retried requests: 40" in line for line in evidence.details)


def test_only_settled_requests_are_safe() -> None:
    """A request that may still time out proves nothing: safety counts what was admitted a time-out ago."""
    assert guard([stage(calls(600), calls(11_400), settled=calls(10))], "errors") < 20


def test_a_slow_canary_shows_harm() -> None:
    """Twice the latency is harm; 10 % and 5 ms are tolerated."""
    assert dict(weigh([stage(calls(300, 60.0), calls(5_700))], ()).harm_by_family)["latency"] > 100
    assert dict(weigh([stage(calls(300, 24.0), calls(5_700))], ()).harm_by_family)["latency"] < 5


def test_a_service_of_constant_latency_can_be_promoted() -> None:
    """Where every call takes the same time no call is above an edge, and that is safe, not silence."""
    constant = Tally(requests=600, latency={bucket_of(20_000): 600})
    edges = edges_from(constant)
    arm = Arm(constant, constant)
    evidence = weigh([Stage(0.05, edges, arm, Arm(constant, constant))], (ERRORS,))
    assert {one.name: one.safety_e for one in evidence.guardrails}["latency"] >= 20


def test_a_declared_latency_limit_is_its_own_guardrail() -> None:
    """`p99 <= 300ms` is named as written, and 2 % of slow calls are against it."""
    good = weigh([stage(calls(2_000), calls(38_000))], (ERRORS, P99))
    assert ["errors", "p99 <= 300ms"] == [one.name for one in good.guardrails]
    assert min(one.safety_e for one in good.guardrails) >= 20
    slow = calls(2_000).plus(Tally(latency={bucket_of(500_000): 60}))
    assert guard([stage(slow, calls(38_000))], "p99 <= 300ms", (ERRORS, P99)) < 20


def test_a_canary_above_a_declared_limit_is_named() -> None:
    """Where the champion fails more often still, the canary is no worse; what the file declares is exceeded all the
    same, and the default limit is not."""
    stages = [stage(calls(1_000, failed=500), calls(3_000, failed=2_000), share=0.25)]
    written = replace(ERRORS, declared=True)
    declared = weigh(stages, (written, P99))
    assert declared.guardrails[0].safety_e > 20
    assert ("errors <= 1%", 0.5) == (declared.guardrails[0].exceeded, declared.guardrails[0].observed)
    assert None is weigh(stages, (ERRORS,)).exceeded
    assert None is weigh([stage(calls(1_200, failed=12), calls(4_000))], (written,)).exceeded
    slow = calls(2_000).plus(Tally(latency={bucket_of(500_000): 60}))
    late = weigh([stage(slow, calls(38_000))], (ERRORS, replace(P99, declared=True)))
    assert ["", "p99 <= 300ms"] == [one.exceeded for one in late.guardrails]


def test_without_any_limit_errors_are_judged_by_their_ratio() -> None:
    """A file without a limit on errors compares with the champion alone."""
    assert 1.0 == guard([stage(calls(600), calls(10_000))], "errors", ())
    clean = [stage(calls(2_000, failed=0), calls(38_000, failed=400))]
    assert guard(clean, "errors", ()) >= 20


def test_evidence_adds_up_over_steps() -> None:
    """Two steps are weighed together, each with its own share."""
    one = stage(calls(300, failed=3), calls(5_700, failed=6))
    two = stage(calls(300, failed=3), calls(900, failed=2), share=0.25)
    assert weigh([one, two], (ERRORS,)).harm_e > max(weigh([one], (ERRORS,)).harm_e, weigh([two], (ERRORS,)).harm_e)
    assert 600 == weigh([one, two], (ERRORS,)).canary_requests


def test_a_wrong_split_is_noticed() -> None:
    """15 % of the requests on a canary that was given 5 % suspends all verdicts."""
    assert weigh([stage(calls(1_500), calls(8_500))], (ERRORS,)).ratio_e >= 1000
    assert weigh([stage(calls(500), calls(9_500))], (ERRORS,)).ratio_e < 20


def test_synthetic_requests_are_named() -> None:
    """A verdict says which part of its requests `windlass send` made."""
    evidence = weigh([stage(calls(50, synthetic=50), calls(950, synthetic=450))], (ERRORS,))
    assert 0.5 == evidence.synthetic_share
    assert "50% of these requests were sent by `windlass send`" in evidence.details


@pytest.mark.parametrize(("requests", "known"), [(EDGES_REQUESTS_MIN - 1, False), (EDGES_REQUESTS_MIN, True)])
def test_edges_need_enough_of_the_champion(requests: int, known: bool) -> None:
    """Fewer than 200 requests of the champion choose no edges."""
    assert known is bool(edges_from(calls(requests)))


def test_the_ratio_of_failures_is_said_with_its_interval() -> None:
    """People read how much worse the canary is at least and at most; without a failure there is nothing to say."""
    assert "" == ratio_in_words([stage(calls(100), calls(1_900))])
    assert "" == ratio_in_words([stage(calls(100, failed=5), calls(1_900), share=1.0)])
    worse = ratio_in_words([stage(calls(600, failed=60), calls(11_400, failed=114))])
    assert worse.startswith("failures are at least ")
    assert worse.endswith(" times as frequent as the champion's, with 99 % confidence")
    low, high = (float(part.split(" times")[0]) for part in worse.split("at least ")[1].split(" and at most "))
    assert 1 < low < 10 < high
    assert " and at most " not in ratio_in_words([stage(calls(600, failed=60), calls(11_400))])
